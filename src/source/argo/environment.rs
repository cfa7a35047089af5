//! Argo CD's build environment: variables that it substitutes in Helm parameters and value files
//! (`argo-cd/pkg/apis/application/v1alpha1`, `Env.Envsubst`).

/// The values of the variables.
#[derive(Debug, Default)]
pub(super) struct Environment {
    pub application: String,
    pub namespace: String,
    pub project: String,
    pub path: String,
    pub repository: String,
    pub target: String,
    /// The commit that is read, if any.
    pub revision: Option<String>,
}

impl Environment {
    /// Replaces `$NAME` and `${NAME}`. `$$` becomes `$`, and variables that Argo CD does not define
    /// become empty.
    ///
    /// # Errors
    /// Fails for a variable that Argo CD defines but whose value is unknown here.
    pub fn substitute(&self, text: &str) -> Result<String, String> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            let (name, after) = name_of(&rest[at + 1..]);
            match name {
                Some("$") => out.push('$'),
                Some(name) => out.push_str(&self.value(name)?),
                None => out.push('$'),
            }
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    fn value(&self, name: &str) -> Result<String, String> {
        let short = |length: usize| {
            let revision = self.revision.as_deref();
            revision.map(|revision| revision.chars().take(length).collect())
        };
        let value = match name {
            "ARGOCD_APP_NAME" => Some(self.application.clone()),
            "ARGOCD_APP_NAMESPACE" => Some(self.namespace.clone()),
            "ARGOCD_APP_PROJECT_NAME" => Some(self.project.clone()),
            "ARGOCD_APP_SOURCE_PATH" => Some(self.path.clone()),
            "ARGOCD_APP_SOURCE_REPO_URL" => Some(self.repository.clone()),
            "ARGOCD_APP_SOURCE_TARGET_REVISION" => Some(self.target.clone()),
            "ARGOCD_APP_REVISION" => self.revision.clone(),
            "ARGOCD_APP_REVISION_SHORT" => short(7),
            "ARGOCD_APP_REVISION_SHORT_8" => short(8),
            "KUBE_VERSION" | "KUBE_API_VERSIONS" => None,
            _ => Some(String::new()),
        };
        value.ok_or_else(|| {
            format!(
                "the value of ${name}, which Argo CD sets, is unknown here: compare a commit with \
                 --ref, or pipe the output of `helm template` into `driftctl diff -`"
            )
        })
    }
}

/// Returns the name after a `$`, as in Go's `os.Expand`, and the rest. Braces without a name are
/// dropped.
fn name_of(text: &str) -> (Option<&str>, &str) {
    if let Some(inner) = text.strip_prefix('{') {
        return match inner.find('}') {
            Some(end) => (Some(&inner[..end]), &inner[end + 1..]),
            None => (Some(""), inner),
        };
    }
    let first = text.chars().next();
    if first.is_some_and(|c| matches!(c, '*' | '#' | '$' | '@' | '!' | '?' | '-' | '0'..='9')) {
        return (Some(&text[..1]), &text[1..]);
    }
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(text.len());
    match end {
        0 => (None, text),
        end => (Some(&text[..end]), &text[end..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced_as_argo_cd_does() {
        let environment = Environment {
            application: "web".to_owned(),
            namespace: "shop".to_owned(),
            revision: Some("0123456789abcdef".to_owned()),
            ..Environment::default()
        };
        for (text, expected) in [
            ("$ARGOCD_APP_NAME", "web"),
            ("a-${ARGOCD_APP_NAME}-b", "a-web-b"),
            ("$ARGOCD_APP_NAME.$ARGOCD_APP_NAMESPACE", "web.shop"),
            ("$ARGOCD_APP_REVISION_SHORT", "0123456"),
            ("costs $$5", "costs $5"),
            ("$NOBODYS", ""),
            ("plain", "plain"),
            ("at the end $", "at the end $"),
        ] {
            assert_eq!(environment.substitute(text).unwrap(), expected, "{text}");
        }
        let unknown = Environment::default().substitute("$ARGOCD_APP_REVISION");
        assert!(unknown.unwrap_err().contains("$ARGOCD_APP_REVISION"));
    }
}
