//! Splits text into objects, each as a range of the text.

use std::ops::Range;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use serde_json::value::RawValue;

use super::super::snapshot::Notes;
use super::super::text::DocumentEnvelope;
use super::input::DumpInput;
use crate::model::GroupKind;

/// An object in the text of an input.
pub(super) struct DumpPiece<'i> {
    pub input: &'i DumpInput,
    pub range: Range<usize>,
    /// The type that a typed list gives to its items, which have no `apiVersion` and `kind` of
    /// their own.
    pub lent: Option<Arc<TypedListKind>>,
}

impl<'i> DumpPiece<'i> {
    /// Returns the object's JSON.
    pub fn text(&self) -> &'i str {
        let text: &'i str = &self.input.text;
        text.get(self.range.clone()).unwrap_or_default()
    }

    /// Returns `live.json:3:7`.
    pub fn place(&self) -> String {
        self.input.place(self.range.start)
    }
}

/// The `apiVersion` and `kind` of a typed list's items.
pub(super) struct TypedListKind {
    pub api_version: String,
    pub kind: String,
}

/// The objects in the inputs, and their incomplete lists.
#[derive(Default)]
pub(super) struct DumpPieces<'i> {
    pub objects: Vec<DumpPiece<'i>>,
    /// The kinds of lists of which only the first page was recorded, with the position of the list.
    pub first_pages: Vec<(GroupKind, String)>,
    /// The notes of snapshots.
    pub notes: Vec<Notes>,
}

impl<'i> DumpPieces<'i> {
    /// Splits the text of an input: one or several documents, each an object or a list.
    pub fn add(&mut self, input: &'i DumpInput) -> Result<()> {
        let text: &'i str = &input.text;
        if text.trim_ascii_start().starts_with('[') {
            let items = serde_json::from_str(text).map_err(|error| broken(input, &error))?;
            self.add_items(input, items, None);
            return Ok(());
        }
        let mut documents =
            serde_json::Deserializer::from_str(text).into_iter::<DocumentEnvelope>();
        let mut start = 0;
        while let Some(document) = documents.next() {
            let mut document = document.map_err(|error| broken(input, &error))?;
            let end = documents.byte_offset();
            match document.items.take() {
                Some(items) => {
                    self.add_list(input, start, &document, items);
                    self.add_notes(input, start, &document)?;
                }
                None => self.objects.push(DumpPiece {
                    input,
                    range: start + leading_space(&text[start..end])..end,
                    lent: None,
                }),
            }
            start = end;
        }
        Ok(())
    }

    fn add_notes(
        &mut self,
        input: &DumpInput,
        start: usize,
        list: &DocumentEnvelope<'_>,
    ) -> Result<()> {
        let Some(text) = list.notes else {
            return Ok(());
        };
        let notes: Notes = serde_json::from_str(text.get()).map_err(|_| {
            anyhow!(
                "{}: not a snapshot that this version of driftctl can read (field driftctl); make \
                 a new one",
                input.place(start)
            )
        })?;
        self.notes.push(notes);
        Ok(())
    }

    fn add_list(
        &mut self,
        input: &'i DumpInput,
        start: usize,
        list: &DocumentEnvelope<'_>,
        items: Vec<&'i RawValue>,
    ) {
        // Items of a `ConfigMapList` are ConfigMaps; a plain `List` gives its items no kind.
        let kind = list
            .kind
            .as_deref()
            .and_then(|kind| kind.strip_suffix("List"));
        let lent = match (list.api_version.as_deref(), kind) {
            (Some(version), Some(kind)) if !kind.is_empty() => Some(Arc::new(TypedListKind {
                api_version: version.to_owned(),
                kind: kind.to_owned(),
            })),
            _ => None,
        };
        if let Some(lent) = lent.as_ref().filter(|_| list.next_page.is_some()) {
            let kind = GroupKind::new(&lent.api_version, &lent.kind);
            self.first_pages.push((kind, input.place(start)));
        }
        self.add_items(input, items, lent);
    }

    fn add_items(
        &mut self,
        input: &'i DumpInput,
        items: Vec<&'i RawValue>,
        lent: Option<Arc<TypedListKind>>,
    ) {
        self.objects.extend(items.into_iter().map(|item| {
            let start = item.get().as_ptr() as usize - input.text.as_ptr() as usize;
            DumpPiece {
                input,
                range: start..start + item.get().len(),
                lent: lent.clone(),
            }
        }));
    }
}

fn leading_space(text: &str) -> usize {
    text.len() - text.trim_ascii_start().len()
}

/// Returns an error with the position but not the text, which may be a Secret's.
fn broken(input: &DumpInput, error: &serde_json::Error) -> anyhow::Error {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "the JSON ends too early",
        serde_json::error::Category::Data if error.to_string().starts_with("duplicate field") => {
            "a field occurs twice (apiVersion, kind, metadata or items)"
        }
        _ => "not valid JSON",
    };
    let line = error.line().max(1);
    let bytes = error.column();
    // The parser counts columns in bytes.
    let column = input.text.lines().nth(line - 1).map_or(bytes, |text| {
        text.char_indices()
            .take_while(|(at, _)| at + 1 < bytes)
            .count()
            + 1
    });
    anyhow!("{}:{line}:{column}: {what}", input.file.name)
}

#[cfg(test)]
mod tests {
    use super::super::input::InputOrigin;
    use super::*;

    #[test]
    fn columns_count_characters() {
        let input = DumpInput {
            file: InputOrigin::plain("live.json".to_owned()).into(),
            text: Arc::new("{\n \"é\": \"ü\" x}".to_owned()),
        };
        let error = DumpPieces::default()
            .add(&input)
            .err()
            .map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some("live.json:2:11: not valid JSON"));
        assert_eq!(input.place(input.text.len()), "live.json:2:13");
    }
}
