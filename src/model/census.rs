//! Whose the live objects are: what `driftctl coverage` counts.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{GroupKind, ResourceKey, Target, Warning};

/// Whose a live object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A manifest of the run declares it.
    Declared,
    /// A controller, a policy or the cluster made it.
    Derived,
    /// Another application or release declares it, as its marks say.
    Elsewhere,
    /// Nobody declares it.
    Nobody,
    /// Nobody declares it, and a rule of the user ignores that.
    Ignored,
}

impl Class {
    /// Every class, in the order of reports.
    pub const ALL: [Self; 5] = [
        Self::Declared,
        Self::Derived,
        Self::Elsewhere,
        Self::Nobody,
        Self::Ignored,
    ];

    /// Returns the word that reports use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Derived => "derived",
            Self::Elsewhere => "elsewhere",
            Self::Nobody => "nobody",
            Self::Ignored => "ignored",
        }
    }
}

/// A live object and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Which object.
    pub key: ResourceKey,
    /// Whose it is.
    pub class: Class,
    /// What tells so, such as `Argo CD Application web`.
    pub why: Option<String>,
    /// Who wrote it first, as far as its managed fields and audit logs tell.
    pub creator: Option<String>,
    /// When it was created.
    pub created: Option<Timestamp>,
}

/// Objects by class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally([usize; 5]);

impl Tally {
    /// Counts one more object.
    pub fn add(&mut self, class: Class) {
        self.0[class as usize] += 1;
    }

    /// Returns how many objects are of a class.
    pub fn of(self, class: Class) -> usize {
        self.0[class as usize]
    }

    /// Returns the share of declared objects. What was derived or is ignored needs no manifest.
    pub fn share(self, counts_elsewhere: bool) -> Share {
        let elsewhere = self.of(Class::Elsewhere);
        let declared = self.of(Class::Declared) + if counts_elsewhere { elsewhere } else { 0 };
        Share {
            declared,
            of: self.of(Class::Declared) + elsewhere + self.of(Class::Nobody),
        }
    }
}

/// So many of so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// Those that are declared.
    pub declared: usize,
    /// All.
    pub of: usize,
}

impl Share {
    /// Returns the percentage; `None` of nothing.
    pub fn percent(self) -> Option<f64> {
        (self.of > 0).then(|| self.declared as f64 * 100.0 / self.of as f64)
    }
}

/// A namespace that was made for something that is gone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Orphan {
    /// The namespace.
    pub namespace: String,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// How many objects are in it that no controller and no cluster made.
    pub objects: usize,
    /// What is gone.
    pub why: String,
}

/// Whose the live objects of a run are.
#[derive(Debug, Clone, Default)]
pub struct Census {
    /// What was looked at.
    pub target: Target,
    /// The live objects, sorted by key.
    pub objects: Vec<Counted>,
    /// Leaves of declared objects: those of the manifests, out of those and what was added live.
    pub fields: Share,
    /// Objects that are declared and not live.
    pub missing: usize,
    /// Declared objects that could not be read.
    pub unknown: usize,
    /// Kinds that were listed.
    pub kinds: usize,
    /// What could not be listed, or not everywhere. Where there is anything, more may be live.
    pub unlisted: Vec<String>,
    /// Namespaces whose purpose is gone, sorted.
    pub orphans: Vec<Orphan>,
    /// What else is known.
    pub warnings: Vec<Warning>,
    /// Whether reading was cut short.
    pub interrupted: bool,
}

impl Census {
    /// Returns all objects by class.
    pub fn total(&self) -> Tally {
        let mut tally = Tally::default();
        for object in &self.objects {
            tally.add(object.class);
        }
        tally
    }

    /// Returns the objects by namespace and class; those in no namespace under the empty string.
    pub fn by_namespace(&self) -> BTreeMap<&str, Tally> {
        let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
        for object in &self.objects {
            let namespace = object.key.namespace.as_deref().unwrap_or_default();
            tallies.entry(namespace).or_default().add(object.class);
        }
        tallies
    }

    /// Returns the objects by kind and class.
    pub fn by_kind(&self) -> BTreeMap<GroupKind, Tally> {
        let mut tallies: BTreeMap<GroupKind, Tally> = BTreeMap::new();
        for object in &self.objects {
            let kind = object.key.group_kind();
            tallies.entry(kind).or_default().add(object.class);
        }
        tallies
    }

    /// Returns whether more may be live than was counted, so that the share is at most so much.
    pub fn is_at_most(&self) -> bool {
        !self.unlisted.is_empty() || self.interrupted
    }

    /// Returns whether something declared could not be read.
    pub fn is_incomplete(&self) -> bool {
        self.unknown > 0 || self.interrupted || self.warnings.iter().any(|warning| warning.fatal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_derived_or_ignored_does_not_count() {
        let mut tally = Tally::default();
        for class in Class::ALL {
            tally.add(class);
        }
        tally.add(Class::Derived);
        let share = |declared| Share { declared, of: 3 };
        assert_eq!(tally.share(false), share(1));
        assert_eq!(tally.share(true), share(2));
        assert_eq!(Share::default().percent(), None);
    }
}
