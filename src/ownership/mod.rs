//! Who owns what, and who declares: reading managedFields.
