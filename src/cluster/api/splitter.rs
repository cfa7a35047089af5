//! Splits the JSON text of a list into items while it arrives.
//!
//! Only the text around the items is kept. Each item is passed on with its last byte, so a page of
//! any size takes only the memory of its largest item.

/// The size limit of an item. etcd refuses values above 1.5 MiB; aggregated API servers have no
/// such limit.
const MAX_ITEM: usize = 32 << 20;

/// The size limit of the text around the items: kind, version and list metadata.
const MAX_ENVELOPE: usize = 1 << 20;

/// Why a text is not a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoList {
    /// Brackets do not match, or there is text where JSON allows none.
    #[error("it is not valid JSON")]
    Malformed,
    /// An item or the envelope exceeds its limit.
    #[error("one object in it is larger than {} MiB", MAX_ITEM >> 20)]
    TooLarge,
    /// The text is cut short.
    #[error("it is cut short")]
    CutShort,
    /// `items` occurs twice: parsers differ in which one they use.
    #[error("it has \"items\" twice")]
    Twice,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SplitterState {
    /// Before, around or after the items.
    Envelope,
    /// Between two items.
    Between,
    /// In an item.
    Item,
}

/// A list that is being received.
pub(super) struct Splitter {
    place: SplitterState,
    /// How many brackets are open: in the envelope, or in the item.
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// The start of the last string in the envelope.
    string_start: usize,
    /// Whether the outermost object's key `items` and its colon were just read.
    items_next: bool,
    /// Whether `items` occurred.
    had_items: bool,
    /// Whether another item must follow, as after a comma.
    comma: CommaState,
    /// The text without its items.
    envelope: Vec<u8>,
    /// The item so far, if it began in an earlier chunk.
    item: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CommaState {
    /// No item yet.
    First,
    /// An item ended.
    Wanted,
    /// A comma came: another item must follow.
    Seen,
}

impl Splitter {
    pub fn new() -> Self {
        Self {
            place: SplitterState::Envelope,
            depth: 0,
            in_string: false,
            escaped: false,
            string_start: 0,
            items_next: false,
            had_items: false,
            comma: CommaState::First,
            envelope: Vec::new(),
            item: Vec::new(),
        }
    }

    /// Processes the next bytes, and passes on each item that ends in them.
    pub fn feed<E: From<NoList>>(
        &mut self,
        chunk: &[u8],
        on_item: &mut dyn FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut at = 0;
        while at < chunk.len() {
            at = match self.place {
                SplitterState::Envelope => self.envelope(chunk, at)?,
                SplitterState::Between => self.between(chunk, at)?,
                SplitterState::Item => self.item(chunk, at, on_item)?,
            };
        }
        Ok(())
    }

    /// Returns the text without its items, once all of it has arrived.
    pub fn finish(self) -> Result<Vec<u8>, NoList> {
        let complete = self.place == SplitterState::Envelope && self.depth == 0 && !self.in_string;
        if complete && !self.envelope.is_empty() {
            Ok(self.envelope)
        } else {
            Err(NoList::CutShort)
        }
    }

    fn envelope(&mut self, chunk: &[u8], start: usize) -> Result<usize, NoList> {
        for (at, &byte) in chunk.iter().enumerate().skip(start) {
            self.envelope.push(byte);
            if self.envelope.len() > MAX_ENVELOPE {
                return Err(NoList::TooLarge);
            }
            if self.in_string {
                self.string_byte(byte);
                continue;
            }
            match byte {
                b'"' => {
                    self.in_string = true;
                    self.string_start = self.envelope.len();
                }
                b':' if self.depth == 1 => {
                    self.items_next = is_items(self.last_string());
                    if self.items_next && std::mem::replace(&mut self.had_items, true) {
                        return Err(NoList::Twice);
                    }
                }
                b'[' if self.items_next && self.depth == 1 => {
                    self.items_next = false;
                    self.place = SplitterState::Between;
                    self.comma = CommaState::First;
                    return Ok(at + 1);
                }
                b'{' | b'[' => self.open()?,
                b'}' | b']' => self.close()?,
                b' ' | b'\n' | b'\r' | b'\t' => {}
                _ => self.items_next = false,
            }
        }
        Ok(chunk.len())
    }

    /// Returns the last complete string, unquoted but still escaped.
    fn last_string(&self) -> &[u8] {
        let rest = self.envelope.get(self.string_start..).unwrap_or_default();
        let end = memchr::memrchr(b'"', rest).unwrap_or(rest.len());
        &rest[..end]
    }

    fn open(&mut self) -> Result<(), NoList> {
        self.items_next = false;
        self.depth += 1;
        Ok(())
    }

    fn close(&mut self) -> Result<(), NoList> {
        self.depth = self.depth.checked_sub(1).ok_or(NoList::Malformed)?;
        Ok(())
    }

    fn between(&mut self, chunk: &[u8], start: usize) -> Result<usize, NoList> {
        for (at, &byte) in chunk.iter().enumerate().skip(start) {
            match (byte, self.comma) {
                (b' ' | b'\n' | b'\r' | b'\t', _) => {}
                (b',', CommaState::Wanted) => self.comma = CommaState::Seen,
                (b'{', CommaState::First | CommaState::Seen) => {
                    self.place = SplitterState::Item;
                    self.depth = 0;
                    return Ok(at);
                }
                (b']', CommaState::First | CommaState::Wanted) => {
                    self.envelope.push(b']');
                    self.place = SplitterState::Envelope;
                    self.depth = 1;
                    return Ok(at + 1);
                }
                _ => return Err(NoList::Malformed),
            }
        }
        Ok(chunk.len())
    }

    fn item<E: From<NoList>>(
        &mut self,
        chunk: &[u8],
        start: usize,
        on_item: &mut dyn FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<usize, E> {
        let end = self.item_end(&chunk[start..])?.map(|end| start + end);
        let piece = &chunk[start..end.unwrap_or(chunk.len())];
        if self.item.len() + piece.len() > MAX_ITEM {
            return Err(NoList::TooLarge.into());
        }
        let Some(end) = end else {
            self.item.extend_from_slice(piece);
            return Ok(chunk.len());
        };
        if self.item.is_empty() {
            on_item(piece)?;
        } else {
            self.item.extend_from_slice(piece);
            on_item(&self.item)?;
            self.item.clear();
        }
        self.place = SplitterState::Between;
        self.comma = CommaState::Wanted;
        Ok(end)
    }

    /// Returns the position after the item's last bracket, if it is in these bytes. Undeclared
    /// objects are skipped here, so strings are skipped by a vectorized search.
    fn item_end(&mut self, bytes: &[u8]) -> Result<Option<usize>, NoList> {
        let mut at = 0;
        while at < bytes.len() {
            if self.escaped {
                self.escaped = false;
                at += 1;
            } else if self.in_string {
                match memchr::memchr2(b'"', b'\\', &bytes[at..]) {
                    None => return Ok(None),
                    Some(found) => {
                        at += found;
                        self.string_byte(bytes[at]);
                        at += 1;
                    }
                }
            } else {
                let byte = bytes[at];
                at += 1;
                match byte {
                    b'"' => self.in_string = true,
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' => {
                        self.close()?;
                        if self.depth == 0 {
                            return Ok(Some(at));
                        }
                    }
                    _ => {}
                }
            }
        }
        Ok(None)
    }

    fn string_byte(&mut self, byte: u8) {
        if self.escaped {
            self.escaped = false;
        } else if byte == b'\\' {
            self.escaped = true;
        } else if byte == b'"' {
            self.in_string = false;
        }
    }
}

/// Returns whether a key is `items`, in any escaped form.
fn is_items(key: &[u8]) -> bool {
    key == b"items"
        || memchr::memchr(b'\\', key).is_some_and(|_| {
            let quoted = [b"\"", key, b"\""].concat();
            serde_json::from_slice::<String>(&quoted).is_ok_and(|key| key == "items")
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns the items and the envelope of text that arrives in chunks of `size` bytes.
    fn split(text: &str, size: usize) -> Result<(Vec<String>, String), NoList> {
        let mut splitter = Splitter::new();
        let mut items = Vec::new();
        for chunk in text.as_bytes().chunks(size) {
            splitter.feed::<NoList>(chunk, &mut |item| {
                items.push(String::from_utf8_lossy(item).into_owned());
                Ok(())
            })?;
        }
        let envelope = splitter.finish()?;
        Ok((items, String::from_utf8_lossy(&envelope).into_owned()))
    }

    #[test]
    fn finds_items_for_any_size_of_chunks() {
        let text = r#"{"kind":"L","metadata":{"items":["no"]},"items": [ {"a":"}\"]{"} ,
            {"b":[{"items":[{}]}]}],"apiVersion":"v1"}"#;
        for size in 1..text.len() {
            let (items, envelope) = split(text, size).unwrap();
            assert_eq!(items, [r#"{"a":"}\"]{"}"#, r#"{"b":[{"items":[{}]}]}"#]);
            let expected =
                r#"{"kind":"L","metadata":{"items":["no"]},"items": [],"apiVersion":"v1"}"#;
            assert_eq!(envelope, expected);
        }
    }

    #[test]
    fn a_string_value_items_is_not_the_key() {
        let text = r#"{"kind":"items","x":[{"a":1}],"items":[{"b":2}]}"#;
        assert_eq!(split(text, 3).unwrap().0, [r#"{"b":2}"#]);
    }

    #[test]
    fn rejects_text_that_is_cut_short_or_is_not_a_list() {
        let whole = r#"{"kind":"L","items":[{"a":1},{"b":2}]}"#;
        for end in 0..whole.len() {
            assert_eq!(
                split(&whole[..end], 7),
                Err(NoList::CutShort),
                "{}",
                &whole[..end]
            );
        }
        for text in [
            r#"{"items":[3]}"#,
            r#"{"items":[{} {}]}"#,
            r#"{"items":[{},]}"#,
            r#"{"items":[,{}]}"#,
            "}",
        ] {
            assert_eq!(split(text, 5), Err(NoList::Malformed), "{text}");
        }
    }

    #[test]
    fn finds_items_under_an_escaped_key() {
        for key in [r"it\u0065ms", r"\u0069tems", r"items"] {
            let text = format!(r#"{{"kind":"L","{key}" : [{{"b":2}}]}}"#);
            assert_eq!(split(&text, 3).unwrap().0, [r#"{"b":2}"#], "{key}");
        }
    }

    #[test]
    fn rejects_a_second_items_key() {
        for second in [
            r#""items":[{"b":2}]"#,
            r#""items":null"#,
            r#""it\u0065ms":[]"#,
        ] {
            let text = format!(r#"{{"items":[{{"a":1}}],{second}}}"#);
            assert_eq!(split(&text, 5), Err(NoList::Twice), "{text}");
        }
    }

    #[test]
    fn rejects_an_item_over_the_size_limit() {
        let text = format!(r#"{{"items":[{{"a":"{}"}}]}}"#, "x".repeat(MAX_ITEM));
        assert_eq!(split(&text, 1 << 16), Err(NoList::TooLarge));
        let text = format!(r#"{{"a":"{}","items":[]}}"#, "x".repeat(MAX_ENVELOPE));
        assert_eq!(split(&text, 1 << 16), Err(NoList::TooLarge));
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<i32>().prop_map(Into::into),
            "[a-z\"\\\\{}\\[\\]:, é]{0,8}".prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                proptest::collection::btree_map("[a-z\"]{0,5}|items", inner, 0..4)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn splitting_agrees_with_a_parser(
            items in proptest::collection::vec(json(), 0..6),
            around in json(),
            size in 1_usize..64,
        ) {
            let items: Vec<_> = items.into_iter().map(|i| serde_json::json!({"item": i})).collect();
            let list = serde_json::json!({"a": around, "items": items, "z": around});
            let (found, envelope) = split(&list.to_string(), size).unwrap();
            let found: Vec<serde_json::Value> =
                found.iter().map(|item| serde_json::from_str(item).unwrap()).collect();
            prop_assert_eq!(found, items);
            let envelope: serde_json::Value = serde_json::from_str(&envelope).unwrap();
            prop_assert_eq!(envelope, serde_json::json!({"a": around, "items": [], "z": around}));
        }
    }
}
