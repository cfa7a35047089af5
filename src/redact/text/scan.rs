//! The search for assignments in one text, and what its parts share.

use std::collections::HashMap;

use super::cursor::{OpenQuote, TextCursor};
use super::{SecretSpan, TextKind};
use crate::redact::names::NameClass;

/// The search in one text.
pub(super) struct AssignmentScan<'t, 's> {
    pub(super) text: &'t str,
    pub(super) cursor: TextCursor<'t>,
    pub(super) spans: &'s mut Vec<SecretSpan<'t>>,
    pub(super) voice: TextKind,
    /// How many brackets were found to be unclosed.
    pub(super) unclosed: usize,
    /// A cache of names, most of which occur repeatedly.
    pub(super) classes: HashMap<&'t str, NameClass>,
    /// Where fields begin that contain the value of a name next to them, found on demand.
    pub(super) value_fields: Option<Vec<usize>>,
}

/// The context of a value, to the left of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct LeftContext<'t> {
    /// The name of the value.
    pub(super) name: &'t str,
    /// Whether it may be a count.
    pub(super) count: bool,
    /// The column where the name begins, including quotes.
    pub(super) column: usize,
    /// Whether the assignment comes first on its line, so that the rest is its value.
    pub(super) first: bool,
    /// Whether the sign is a colon.
    pub(super) colon: bool,
    /// Whether the name is in its own quotes, as in JSON.
    pub(super) quoted: bool,
    /// The quote around the assignment.
    pub(super) within: Option<OpenQuote>,
}
