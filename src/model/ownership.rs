//! The field owners of a live object: `metadata.managedFields`, parsed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Deref;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use strum::{IntoStaticStr, VariantArray};

use super::{FieldPath, PathElement};

/// How a manager wrote (`metav1.ManagedFieldsOperationType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
pub enum Operation {
    /// Server-side apply: the manager owns exactly what it sent.
    #[strum(serialize = "Apply")]
    Apply,
    /// Any other write: the manager owns what its request changed, including defaults.
    #[strum(serialize = "Update")]
    Update,
}

impl Operation {
    /// Returns the word that the API uses.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// An owner of a path. The time is that of the manager's last write to the object, which may not
/// have changed this path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner {
    /// The field manager's name.
    pub manager: String,
    /// The operation.
    pub operation: Operation,
    /// The subresource.
    pub subresource: Option<String>,
    /// The time of its last write, in RFC 3339; `kubectl scale` records none.
    pub time: Option<String>,
    /// The user according to the audit log; managedFields do not record users.
    pub user: Option<String>,
}

impl Owner {
    /// Returns the latest writer of all, unless they only wrote the status. Several users behind one
    /// manager, any of whom may have written, are one: `alice or bob`.
    pub fn latest<'o>(owners: impl IntoIterator<Item = &'o Self>) -> Option<Self> {
        // Several changes may have the same owner.
        let owners: BTreeSet<&Self> = owners
            .into_iter()
            .filter(|owner| owner.subresource.as_deref() != Some("status"))
            .collect();
        let writers = Self::any_of(&owners.into_iter().collect::<Vec<_>>());
        let mut writers = writers.into_iter();
        let first = writers.next()?;
        Some(writers.fold(first, |latest, next| {
            if next.time > latest.time {
                next
            } else {
                latest
            }
        }))
    }

    /// Combines several users behind one manager, any of whom may have written.
    pub fn any_of(owners: &[&Self]) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        for owner in owners {
            if owner.user.is_none() {
                found.push((*owner).clone());
                continue;
            }
            let alike = found.iter_mut().find(|one| {
                let same = Self {
                    user: one.user.clone(),
                    ..(*owner).clone()
                };
                one.user.is_some() && **one == same
            });
            match (alike.and_then(|one| one.user.as_mut()), &owner.user) {
                (Some(users), Some(user)) => users.push_str(&format!(" or {user}")),
                _ => found.push((*owner).clone()),
            }
        }
        found
    }
}

/// The owners of an object. Empty if the object was read without managed fields.
#[derive(Debug, Clone, Default)]
pub struct Ownership {
    /// One entry for each manager, operation, subresource and version.
    pub entries: Vec<ManagerEntry>,
}

/// One entry of `metadata.managedFields` (`metav1.ManagedFieldsEntry`).
#[derive(Debug, Clone)]
pub struct ManagerEntry {
    /// The manager and time.
    pub owner: Owner,
    /// The fields.
    pub fields: OwnedFields,
}

/// The fields of a manager: a [`FieldSet`], parsed from text on first use. Most objects are
/// compared without looking at owners, and most others with a look at one or two paths, which is
/// cheaper in the text.
#[derive(Debug)]
pub struct OwnedFields {
    set: OnceLock<FieldSet>,
    text: Box<str>,
    form: TextForm,
    /// How many paths were looked for in the text.
    looked: AtomicUsize,
}

/// How to read a field set from text.
#[derive(Debug, Clone, Copy)]
pub struct TextForm {
    /// Parses all of it.
    pub read: fn(&str) -> FieldSet,
    /// Returns what [`FieldSet::touches`] would return; `None` if the text must be parsed first.
    pub touches: fn(&str, &FieldPath, usize) -> Option<bool>,
}

/// After this many looks into a text, parsing it once is cheaper.
const MOST_LOOKS: usize = 6;

impl OwnedFields {
    /// Returns fields that will be read from the text.
    pub fn in_text(text: &str, form: TextForm) -> Self {
        Self {
            set: OnceLock::new(),
            text: text.into(),
            form,
            looked: AtomicUsize::new(0),
        }
    }

    /// Returns the same as [`FieldSet::touches`].
    pub fn touches(&self, path: &FieldPath, covering: usize) -> bool {
        let is_text = self.set.get().is_none();
        if is_text && self.looked.fetch_add(1, Ordering::Relaxed) < MOST_LOOKS {
            let found = (self.form.touches)(&self.text, path, covering);
            if let Some(found) = found {
                return found;
            }
        }
        let set: &FieldSet = self;
        set.touches(path, covering)
    }
}

impl Clone for OwnedFields {
    fn clone(&self) -> Self {
        Self {
            set: self.set.clone(),
            text: self.text.clone(),
            form: self.form,
            looked: AtomicUsize::new(0),
        }
    }
}

impl From<FieldSet> for OwnedFields {
    fn from(set: FieldSet) -> Self {
        Self {
            set: set.into(),
            text: Box::default(),
            form: TextForm {
                read: |_| FieldSet::default(),
                touches: |_, _, _| None,
            },
            looked: AtomicUsize::new(0),
        }
    }
}

impl Deref for OwnedFields {
    type Target = FieldSet;

    fn deref(&self) -> &FieldSet {
        self.set.get_or_init(|| (self.form.read)(&self.text))
    }
}

/// A set of paths, as a tree (`metav1.FieldsV1`, structured-merge-diff `fieldpath.Set`).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FieldSet {
    /// Whether the path of this node itself is in the set.
    pub member: bool,
    /// The fields below this node.
    pub fields: BTreeMap<String, FieldSet>,
    /// The list items below this node.
    pub items: HashMap<PathElement, FieldSet>,
}

impl FieldSet {
    /// Returns whether the node has no children. The owner of a leaf owns everything below it,
    /// which is how atomic maps and lists are owned.
    pub fn is_leaf(&self) -> bool {
        self.fields.is_empty() && self.items.is_empty()
    }

    /// Returns the child for a path element.
    pub fn child(&self, segment: &PathElement) -> Option<&FieldSet> {
        match segment {
            PathElement::Field(name) => self.fields.get(name),
            item => self.items.get(item),
        }
    }

    /// Returns whether the set contains `path`, an ancestor that is owned as a whole, or a path
    /// below it.
    ///
    /// Atomic values begin after `covering` elements of the path. A leaf before that is a struct or
    /// map that was owned while it was empty (`f:resources: {}`), which says nothing about its
    /// later content. A leaf for an item of an associative list is owned as a whole: items always
    /// contain their keys, so only items with duplicate keys are written as leaves
    /// (structured-merge-diff `typed/tofieldset.go`).
    pub fn touches(&self, path: &FieldPath, covering: usize) -> bool {
        let mut node = self;
        let mut in_item = false;
        for (depth, segment) in path.0.iter().enumerate() {
            if node.member && node.is_leaf() {
                return in_item || depth >= covering;
            }
            in_item = matches!(segment, PathElement::Key(_));
            match node.child(segment) {
                Some(child) => node = child,
                None => return false,
            }
        }
        true
    }
}

impl Ownership {
    /// Returns whether no owners are known.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the manager that wrote first, which created the object; `None` if nobody is recorded.
    pub fn creator(&self) -> Option<&str> {
        let owners = self.entries.iter().map(|entry| &entry.owner);
        let writers = owners.filter(|owner| owner.subresource.is_none());
        let first = writers.min_by_key(|owner| (owner.time.is_none(), owner.time.as_ref()))?;
        Some(&first.manager)
    }

    /// Returns the owners of a path, or of anything below it; see [`FieldSet::touches`].
    pub fn owners_of(&self, path: &FieldPath, covering: usize) -> Vec<&Owner> {
        self.entries
            .iter()
            .filter(|entry| entry.fields.touches(path, covering))
            .map(|entry| &entry.owner)
            .collect()
    }
}
