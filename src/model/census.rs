//! Counts of live objects by who declares them, for `driftctl coverage`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use strum::{IntoStaticStr, VariantArray};

use super::{GroupKind, ReportTarget, ResourceKey, Warning};

/// The class of a live object, by who declares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum ObjectClass {
    /// A manifest of the run declares it.
    Declared,
    /// A controller, a policy or the cluster created it.
    Derived,
    /// Another application or release declares it, according to its marks.
    Elsewhere,
    /// No manifest declares it.
    Undeclared,
    /// No manifest declares it, but the user's rule ignores it.
    Ignored,
}

impl ObjectClass {
    /// Returns the word that reports use.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A live object with its class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassifiedObject {
    /// The object's key.
    pub key: ResourceKey,
    /// The class.
    pub class: ObjectClass,
    /// The evidence for the class, such as `Argo CD Application web`.
    pub why: Option<String>,
    /// Its first writer, as far as managed fields and audit logs show.
    pub creator: Option<String>,
    /// When it was created.
    pub created: Option<Timestamp>,
}

/// Objects by class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally([usize; 5]);

impl Tally {
    /// Counts one more object.
    pub fn add(&mut self, class: ObjectClass) {
        self.0[class as usize] += 1;
    }

    /// Returns how many objects are of a class.
    pub fn of(self, class: ObjectClass) -> usize {
        self.0[class as usize]
    }

    /// Returns the share of declared objects. Derived and ignored objects need no manifest.
    pub fn share(self, counts_elsewhere: bool) -> Share {
        let elsewhere = self.of(ObjectClass::Elsewhere);
        let declared =
            self.of(ObjectClass::Declared) + if counts_elsewhere { elsewhere } else { 0 };
        Share {
            declared,
            of: self.of(ObjectClass::Declared) + elsewhere + self.of(ObjectClass::Undeclared),
        }
    }
}

/// A part of a total.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// The declared part.
    pub declared: usize,
    /// The total.
    pub of: usize,
}

impl Share {
    /// Returns the percentage; `None` if the total is zero.
    pub fn percent(self) -> Option<f64> {
        (self.of > 0).then(|| self.declared as f64 * 100.0 / self.of as f64)
    }
}

/// A namespace that was created for a preview that no longer exists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Orphan {
    /// The namespace.
    pub namespace: String,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// The number of objects in it that neither a controller nor the cluster created.
    pub objects: usize,
    /// The evidence, such as the deployer that is gone.
    pub why: String,
}

/// The census of a run.
#[derive(Debug, Clone, Default)]
pub struct Census {
    /// The cluster or recording.
    pub target: ReportTarget,
    /// The live objects, sorted by key.
    pub objects: Vec<ClassifiedObject>,
    /// The fields of declared objects: declared ones, and the total with those added live.
    pub fields: Share,
    /// Declared objects that are not live.
    pub missing: usize,
    /// Declared objects that could not be read.
    pub unknown: usize,
    /// The number of kinds that were listed.
    pub kinds: usize,
    /// The kinds that could not be listed completely, which may have more objects.
    pub unlisted: Vec<String>,
    /// Orphaned namespaces, sorted.
    pub orphans: Vec<Orphan>,
    /// Warnings and errors.
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

    /// Returns the objects by namespace and class; cluster-scoped ones under the empty string.
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

    /// Returns whether more objects may be live than were counted, so that the share is an upper
    /// bound.
    pub fn is_at_most(&self) -> bool {
        !self.unlisted.is_empty() || self.interrupted
    }

    /// Returns whether a declared object could not be read.
    pub fn is_incomplete(&self) -> bool {
        self.unknown > 0 || self.interrupted || self.warnings.iter().any(|warning| warning.fatal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_and_ignored_objects_do_not_count() {
        let mut tally = Tally::default();
        for &class in ObjectClass::VARIANTS {
            tally.add(class);
        }
        tally.add(ObjectClass::Derived);
        let share = |declared| Share { declared, of: 3 };
        assert_eq!(tally.share(false), share(1));
        assert_eq!(tally.share(true), share(2));
        assert_eq!(Share::default().percent(), None);
    }
}
