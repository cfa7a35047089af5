//! An index of rules by kind and path.
//!
//! Only a few of the hundreds of rules of a run apply to a given field. They are put into a tree by
//! the field names at the start of their paths, once for each kind, so that only the rules along
//! its path are checked for a change.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::{PathPattern, Rule, Selectors};
use crate::model::{FieldPath, NameMap, PathElement, ResourceKey};

/// The rules that may match objects of one kind.
#[derive(Debug, Default)]
pub(super) struct KindRules {
    /// Their indexes in the list of all rules, in order.
    pub positions: Vec<usize>,
    /// Indexes into `positions` of the rules with conditions other than the kind.
    pub conditional: Vec<usize>,
    /// Indexes into `positions`, by path.
    by_path: IndexNode,
}

/// A node of the tree.
#[derive(Debug, Default)]
struct IndexNode {
    /// The rules that may match at this node or below it.
    rules: Vec<usize>,
    fields: NameMap<IndexNode>,
}

impl KindRules {
    fn of(key: &ResourceKey, rules: &[Rule]) -> Self {
        let of_kind = rules.iter().enumerate();
        let of_kind = of_kind.filter(|(_, rule)| rule.objects.match_kind(&key.group, &key.kind));
        let mut all = Self::default();
        for (position, rule) in of_kind {
            let place = all.positions.len();
            all.positions.push(position);
            if !rule.matches_all_of_kind() {
                all.conditional.push(place);
            }
            match only_paths(&rule.selectors) {
                Some(paths) => paths.iter().for_each(|path| all.by_path.add(path, place)),
                None => all.by_path.rules.push(place),
            }
        }
        all
    }

    /// Calls `show` with the index in `positions` of each rule that may match a path. Some of them
    /// do not match, and some are passed more than once.
    pub fn on_the_way(&self, path: &FieldPath, mut show: impl FnMut(usize)) {
        self.is_any_on_the_way(path, |place| {
            show(place);
            false
        });
    }

    /// Returns whether `is_one` is true of any rule that may match a path.
    pub fn is_any_on_the_way(
        &self,
        path: &FieldPath,
        mut is_one: impl FnMut(usize) -> bool,
    ) -> bool {
        let mut node = &self.by_path;
        let mut steps = path.0.iter();
        loop {
            if node.rules.iter().any(|place| is_one(*place)) {
                return true;
            }
            let Some(PathElement::Field(name)) = steps.next() else {
                return false;
            };
            match node.fields.get(name) {
                Some(next) => node = next,
                None => return false,
            }
        }
    }
}

/// Returns the paths of a rule that has no other selectors.
fn only_paths(selectors: &Selectors) -> Option<&[PathPattern]> {
    let Selectors {
        paths,
        pointers,
        owned_by,
        ..
    } = selectors;
    let is_whole = selectors.is_empty() || !pointers.is_empty() || !owned_by.is_empty();
    (!is_whole).then_some(paths)
}

impl IndexNode {
    /// Adds a rule at the node where its path ends, or where its plain field names end.
    fn add(&mut self, path: &PathPattern, place: usize) {
        let mut node = self;
        for name in path.leading_names() {
            node = node.fields.get_or_default(name);
        }
        // The paths of a rule are added one after another, and often end at the same node.
        if node.rules.last() != Some(&place) {
            node.rules.push(place);
        }
    }
}

/// The rules of each requested kind, by kind and group.
#[derive(Debug, Default)]
pub(super) struct KindIndex(RwLock<HashMap<String, HashMap<String, Arc<KindRules>>>>);

impl KindIndex {
    /// Returns the rules that may match an object; `rules` are all rules of the set that this
    /// belongs to.
    pub fn of(&self, key: &ResourceKey, rules: &[Rule]) -> Arc<KindRules> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known
            .get(&key.kind)
            .and_then(|groups| groups.get(&key.group))
        {
            return known.clone();
        }
        drop(known);
        let found = Arc::new(KindRules::of(key, rules));
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let groups = known.entry(key.kind.clone()).or_default();
        groups.entry(key.group.clone()).or_insert(found).clone()
    }
}

/// Returns an empty index, because a copy of a set may get other rules.
impl Clone for KindIndex {
    fn clone(&self) -> Self {
        Self::default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::compare::Explain as _;
    use crate::model::tests::key;
    use crate::model::{ChangeKind, Operation, Owner};
    use crate::policy::{ChangeQuery, ObjectSides, RuleSet};

    fn segment() -> impl Strategy<Value = PathElement> {
        let names = [
            "metadata",
            "annotations",
            "labels",
            "spec",
            "template",
            "status",
            "x",
        ];
        let name = proptest::sample::select(names.to_vec());
        prop_oneof![
            4 => name.prop_map(|name| PathElement::Field(name.to_owned())),
            1 => (0_usize..2).prop_map(PathElement::Index),
            1 => Just(PathElement::Key([("name".to_owned(), "app".into())].into())),
        ]
    }

    /// Generates paths that the built-in rules match, paths for one rule of each other form, and
    /// others.
    fn paths() -> impl Strategy<Value = FieldPath> {
        let of_rules = RuleSet::builtin().rules().iter();
        let of_rules = of_rules.flat_map(|rule| &rule.selectors.paths);
        let of_rules = of_rules.map(|path| path.to_string().replace('*', "0"));
        let known: Vec<FieldPath> = of_rules.filter_map(|path| path.parse().ok()).collect();
        let any = || proptest::collection::vec(segment(), 0..6).prop_map(FieldPath);
        let cut = (proptest::sample::select(known), 0_usize..8, any());
        let cut = cut.prop_map(|(mut path, length, more)| {
            path.0.truncate(length);
            path.0.extend(more.0);
            path
        });
        prop_oneof![any(), cut]
    }

    fn rules() -> Vec<Rule> {
        let mut rules = RuleSet::builtin().rules().to_vec();
        let blank = Rule {
            selectors: Selectors::default(),
            ..rules[0].clone()
        };
        let with = |selectors| Rule {
            selectors,
            ..blank.clone()
        };
        rules.push(with(Selectors {
            pointers: vec!["/spec/x".parse().unwrap()],
            ..Selectors::default()
        }));
        rules.push(with(Selectors {
            owned_by: vec!["helm".to_owned()],
            ..Selectors::default()
        }));
        for path in [
            ".",
            ".*",
            ".spec.*.x",
            "[0]",
            ".spec[*].x",
            ".spec.template[name=\"app\"]",
        ] {
            rules.push(with(Selectors {
                paths: vec![path.parse().unwrap()],
                ..Selectors::default()
            }));
        }
        rules.push(blank);
        rules
    }

    proptest! {
        #[test]
        fn finds_every_rule_that_may_match_a_path(path in paths(), kind in 0_usize..4) {
            let kinds = [("apps", "Deployment"), ("", "Service"), ("", "Secret"), ("a.b", "C")];
            let key = key(kinds[kind].0, kinds[kind].1);
            let rules = rules();
            let of_kind = KindIndex::default().of(&key, &rules);
            let mut shown = vec![false; rules.len()];
            of_kind.on_the_way(&path, |place| shown[of_kind.positions[place]] = true);
            for (position, rule) in rules.iter().enumerate() {
                let leads = rule.objects.matches(&key)
                    && (!rule.selectors.owned_by.is_empty() || rule.leads_to_path(&path));
                prop_assert!(shown[position] || !leads, "{} at {path}", rule.id);
            }
        }
    }

    fn owner(manager: &str) -> Owner {
        Owner {
            manager: manager.to_owned(),
            operation: Operation::Update,
            subresource: None,
            time: None,
            user: None,
        }
    }

    const MANAGERS: [&str; 5] = [
        "kubectl-edit",
        "kube-controller-manager",
        "helm",
        "manager",
        "x",
    ];

    proptest! {
        #[test]
        fn the_first_rule_that_covers_a_change_explains_it(
            path in paths(),
            kind in 0_usize..4,
            change in 0_usize..3,
            managers in proptest::collection::vec(0_usize..MANAGERS.len(), 0..3),
        ) {
            let kinds = [("apps", "Deployment"), ("", "Service"), ("", "Secret"), ("a.b", "C")];
            let key = key(kinds[kind].0, kinds[kind].1);
            let change = [ChangeKind::Added, ChangeKind::Modified, ChangeKind::Removed][change];
            let owners: Vec<Owner> = managers.iter().map(|at| owner(MANAGERS[*at])).collect();
            let owners: Vec<&Owner> = owners.iter().collect();
            let rules = RuleSet::builtin();
            let asked = |owners| ChangeQuery { path: &path, kind: change, owners };
            let mut all = rules.rules().iter().filter(|rule| rule.matches_object(&key, ObjectSides::NONE));
            let first = all.find(|rule| rule.explains.is_some() && rule.covers(asked(&owners)));
            let of_object = rules.for_object(&key, ObjectSides::NONE, Vec::new());
            let found = of_object.explains(&path, change, &owners);
            let id = found.as_ref().and_then(|reason| reason.rule.as_deref());
            prop_assert_eq!(id, first.map(|rule| rule.id.as_str()), "{}", path);
            prop_assert!(found.is_none() || of_object.may_explain(&path), "{}", path);
            if !of_object.owners_matter(&path) {
                let of_nobody = of_object.explains(&path, change, &[]);
                prop_assert_eq!(found, of_nobody, "{}", path);
            }
        }
    }

    #[test]
    fn checks_few_rules_for_a_field() {
        let rules = RuleSet::builtin().rules();
        let of_kind = KindIndex::default().of(&key("apps", "Deployment"), rules);
        let mut shown = 0;
        let path = ".spec.revisionHistoryLimit".parse().unwrap();
        of_kind.on_the_way(&path, |_| shown += 1);
        assert!(
            shown * 10 < of_kind.positions.len(),
            "{shown} of {}",
            of_kind.positions.len()
        );
    }
}
