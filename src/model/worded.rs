//! Enumerations whose values have names in reports and schemas.

use strum::VariantArray;

/// An enumeration whose values have words: in flags, reports, documents and files.
///
/// Derive `strum::IntoStaticStr` and `strum::VariantArray`. Every list of the words derives from
/// the enumeration, so that none can be out of date.
pub trait Worded: Copy + Into<&'static str> + VariantArray {
    /// Returns the word.
    fn word(self) -> &'static str {
        self.into()
    }
}

impl<T: Copy + Into<&'static str> + VariantArray> Worded for T {}
