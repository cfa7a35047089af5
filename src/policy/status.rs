//! Decides which status fields are compared, as configured in Argo CD.

use super::{Rule, RuleOrigin, RuleSet};
use crate::model::ChangeKind;

/// The built-in rule that explains `.status`.
const STATUS: &str = "status";

/// The kinds whose status is not compared: `ignoreResourceStatusField` in Argo CD's
/// `resource.compareoptions`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StatusOf {
    /// All kinds (`all`, the default).
    #[default]
    All,
    /// CustomResourceDefinitions (`crd`).
    Definitions,
    /// No kind (`none`, `off`).
    None,
}

impl RuleSet {
    /// Returns the rules with the status compared for the other kinds. Only declared status fields
    /// are compared; fields that controllers add stay explained.
    #[must_use]
    pub fn ignoring_status(self, of: StatusOf) -> Self {
        if of == StatusOf::All {
            return self;
        }
        let is_status = |rule: &Rule| rule.id == STATUS && rule.origin == RuleOrigin::BuiltIn;
        let rules = self.rules().iter().flat_map(|rule| match is_status(rule) {
            true => split(rule, of),
            false => vec![rule.clone()],
        });
        self.with_rules(rules.collect())
    }
}

/// Returns the rule limited to additions, and the original rule for kinds whose status is not
/// compared.
fn split(rule: &Rule, of: StatusOf) -> Vec<Rule> {
    let mut additions = rule.clone();
    additions.kinds = vec![ChangeKind::Added];
    if of == StatusOf::None {
        return vec![additions];
    }
    let mut definitions = rule.clone();
    definitions.objects.group = "apiextensions.k8s.io".to_owned();
    definitions.objects.kind = "CustomResourceDefinition".to_owned();
    vec![additions, definitions]
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::compare::Explain;
    use crate::model::ResourceKey;
    use crate::policy::ObjectSides;

    #[test]
    fn declared_status_fields_are_compared_if_configured() {
        let explains = |of, group: &str, kind: &str, change| {
            let key = ResourceKey::new(group.to_owned(), kind.to_owned(), None, "x");
            let rules = RuleSet::builtin().clone().ignoring_status(of);
            let rules = rules.for_object(&key, ObjectSides::NONE, Vec::new());
            let path = ".status.replicas".parse().unwrap();
            rules.explains(&path, change, &[]).is_some()
        };
        let (group, kind) = ("apiextensions.k8s.io", "CustomResourceDefinition");
        for (of, definition, other) in [
            (StatusOf::All, true, true),
            (StatusOf::Definitions, true, false),
            (StatusOf::None, false, false),
        ] {
            assert_eq!(explains(of, group, kind, ChangeKind::Modified), definition);
            assert_eq!(
                explains(of, "apps", "Deployment", ChangeKind::Modified),
                other
            );
            assert!(explains(of, "apps", "Deployment", ChangeKind::Added));
        }
    }
}
