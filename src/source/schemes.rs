//! Arguments with a scheme, such as `helm:shop/cart`: declared state that is not a path.
//!
//! A new scheme is one entry of [`SCHEMES`], from which the help, `--base` and the recognition of
//! paths are derived.

use std::path::Path;

use super::{GitOps, GitOpsObjects, GitOpsSelector, HelmReleases, LastApplied, Source};

/// Argo CD's default namespace.
const ARGO_NAMESPACE: &str = "argocd";

/// A scheme of arguments that name declared state.
pub struct Scheme {
    /// The text before the colon.
    pub word: &'static str,
    /// The form of such arguments.
    pub forms: &'static str,
    /// A description.
    pub help: &'static str,
    open: SchemeOpener,
}

/// How the source is opened.
enum SchemeOpener {
    /// The cluster has the declared state, which has no other revision to compare with.
    Recorded(fn(&str) -> Result<Box<dyn Source>, String>),
    /// An object in the cluster names manifests in Git, which have a base.
    InGit {
        /// Parses the text after the colon as namespace and name; `None` if it is neither.
        name: fn(&str) -> Option<(&str, &str)>,
        /// Opens the source.
        open: fn(GitOpsSelector, GitOps) -> Box<dyn Source>,
    },
}

/// Every scheme.
pub const SCHEMES: &[Scheme] = &[
    Scheme {
        word: "helm",
        forms: "helm:NAMESPACE/RELEASE, helm:NAMESPACE or 'helm:*'",
        help: "the releases that Helm recorded in the cluster: one, those of a namespace, or all",
        open: SchemeOpener::Recorded(|rest| {
            HelmReleases::named(rest).map(|one| Box::new(one) as _)
        }),
    },
    Scheme {
        word: "last-applied",
        forms: "last-applied:NAMESPACE or 'last-applied:*'",
        help: "the configurations that kubectl apply left on the live objects",
        open: SchemeOpener::Recorded(|rest| LastApplied::named(rest).map(|one| Box::new(one) as _)),
    },
    Scheme {
        word: "argocd",
        forms: "argocd:NAME or argocd:NAMESPACE/NAME",
        help: "an Argo CD Application in the cluster",
        open: SchemeOpener::InGit {
            name: |rest| Some(rest.split_once('/').unwrap_or((ARGO_NAMESPACE, rest))),
            open: |which, gitops| Box::new(GitOpsObjects::argo(which, gitops)),
        },
    },
    Scheme {
        word: "flux",
        forms: "flux:NAMESPACE/NAME",
        help: "a Flux Kustomization in the cluster",
        open: SchemeOpener::InGit {
            name: |rest| rest.split_once('/'),
            open: |which, gitops| Box::new(GitOpsObjects::flux(which, gitops)),
        },
    },
];

impl Scheme {
    /// Returns the scheme of an argument, and the text after its colon; `None` if it is a path or a
    /// revision.
    pub fn of(word: &Path) -> Option<(&'static Self, &str)> {
        let (scheme, rest) = word.to_str()?.split_once(':')?;
        let known = SCHEMES.iter().find(|known| known.word == scheme)?;
        Some((known, rest))
    }

    /// Returns whether its source can be read at another revision, and so can be compared with a
    /// base.
    pub fn has_base(&self) -> bool {
        matches!(self.open, SchemeOpener::InGit { .. })
    }

    /// Opens the source of an argument.
    ///
    /// # Errors
    /// Fails if the argument does not have the form of the scheme.
    pub fn source(&self, rest: &str, gitops: &GitOps) -> Result<Box<dyn Source>, String> {
        match &self.open {
            SchemeOpener::Recorded(open) => open(rest),
            SchemeOpener::InGit { name, open } => {
                let named = name(rest).filter(|(namespace, name)| {
                    !namespace.is_empty() && !name.is_empty() && !name.contains('/')
                });
                let Some((namespace, name)) = named else {
                    return Err(format!(
                        "write {}; for a file of that name, write ./…",
                        self.forms
                    ));
                };
                let which = GitOpsSelector::Live {
                    namespace: namespace.to_owned(),
                    name: name.to_owned(),
                };
                Ok(open(which, gitops.clone()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scheme(word: &str) -> Option<(&'static str, &str)> {
        Scheme::of(Path::new(word)).map(|(scheme, rest)| (scheme.word, rest))
    }

    #[test]
    fn distinguishes_schemes_from_paths_and_revisions() {
        assert_eq!(scheme("helm:shop/cart"), Some(("helm", "shop/cart")));
        assert_eq!(scheme("argocd:web"), Some(("argocd", "web")));
        assert_eq!(scheme("main:deploy"), None);
        assert_eq!(scheme("./helm:shop"), None);
        assert_eq!(scheme("deploy"), None);
    }

    #[test]
    fn every_scheme_accepts_only_its_own_form() {
        let good = ["shop/cart", "shop", "web", "shop/web"];
        let gitops = GitOps::default();
        for (scheme, rest) in SCHEMES.iter().zip(good) {
            assert!(scheme.source(rest, &gitops).is_ok(), "{}", scheme.word);
            let wrong = scheme.source("a/b/c", &gitops).err();
            assert!(wrong.is_some_and(|why| why.contains(scheme.word)));
            assert!(scheme.forms.starts_with(scheme.word));
        }
    }
}
