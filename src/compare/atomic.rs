//! Compares atomic lists: their items have no identity, and their order matters.

use serde_json::Value;

use super::walk::{AllowedExtras, ListContext, Walker};
use crate::model::{ManifestStep, PathElement};
use crate::schema::TypeId;

impl Walker<'_> {
    /// Compares lists whose items have no identity, in order. They are reported item by item only
    /// if that is clearer than showing the whole lists.
    pub(super) fn atomic_list(&mut self, item: Option<TypeId>, declared: &[Value], live: &[Value]) {
        let outer = self.ground;
        let allowed = self.allowed_in_list();
        self.ground = ListContext::Atomic { allowed };
        let (mark, seen) = (self.out.len(), self.recorded_count());
        let mut differing = 0;
        if declared.len() == live.len() {
            for (index, (ours, theirs)) in declared.iter().zip(live).enumerate() {
                let before = self.out.len();
                self.enter(PathElement::Index(index), Some(ManifestStep::Index(index)));
                self.value(item, ours, theirs);
                self.leave(true);
                differing += usize::from(self.reported_since(before));
                if self.only_asked && differing > 0 {
                    break;
                }
            }
        }
        let readable = differing * 2 <= declared.len() || declared.len() == 1;
        let of_objects = declared.iter().all(Value::is_object);
        let whole = declared.len() != live.len() || (differing > 0 && !(readable && of_objects));
        if whole && self.only_asked {
            self.changed(&Value::Null, &Value::Null);
        } else if whole {
            self.out.truncate(mark);
            self.forget_after(seen);
            let live = self.without_noise(item, declared, live);
            self.changed_to(&Value::Array(declared.to_vec()), live);
        }
        self.ground = outer;
    }

    /// Returns the live list, with each item that means the same as a declared one in its declared
    /// form.
    ///
    /// Equal items at both ends are found in one pass. The items between are compared pair by pair,
    /// unless they are many: in lists of thousands of items, nobody looks for a moved one.
    fn without_noise(&self, item: Option<TypeId>, declared: &[Value], live: &[Value]) -> Value {
        const MOST_PAIRS: usize = 10_000;
        let same = |(ours, theirs): &(&Value, &Value)| self.means(item, ours, theirs);
        let head = declared.iter().zip(live).take_while(same).count();
        let (left, live) = (&declared[head..], &live[head..]);
        let tail = left.iter().rev().zip(live.iter().rev());
        let tail = tail.take_while(same).count();
        let (left, between) = (&left[..left.len() - tail], &live[..live.len() - tail]);
        let is_little = left.len() * between.len() <= MOST_PAIRS;
        let candidates = if is_little { left } else { &[] };
        let between = between.iter().map(|theirs| {
            let mut candidates = candidates.iter();
            let same = candidates.find(|ours| self.means(item, ours, theirs));
            same.unwrap_or(theirs)
        });
        let ends = (&declared[..head], &declared[declared.len() - tail..]);
        let shown = ends.0.iter().chain(between).chain(ends.1);
        Value::Array(shown.cloned().collect())
    }

    /// Returns whether two values mean the same, regardless of their owners.
    pub(super) fn means(&self, ty: Option<TypeId>, declared: &Value, live: &Value) -> bool {
        let ground = match self.ground {
            ListContext::Owned => ListContext::Atomic {
                allowed: AllowedExtras::Nothing,
            },
            atomic => atomic,
        };
        let mut inner = Walker {
            subject: self.subject,
            sent: self.sent,
            path: self.path.clone(),
            at: Vec::new(),
            ground,
            in_new_item: false,
            map_default: None,
            only_asked: true,
            out: Vec::new(),
            trace: None,
        };
        inner.value(ty, declared, live);
        !inner.reported_since(0)
    }

    fn allowed_in_list(&self) -> AllowedExtras {
        if let ListContext::Atomic { allowed } = self.ground {
            return allowed;
        }
        if self.may_be_defaulted_in(true) && self.only_the_applier() {
            AllowedExtras::Fields
        } else {
            AllowedExtras::Nothing
        }
    }
}
