//! Distinguishes templates, which become YAML or objects only by rendering, from mistakes.

/// Returns whether text still contains template placeholders.
pub(super) fn holds_placeholder(text: &str) -> bool {
    let may_open = |byte: u8| matches!(byte, b'{' | b'$' | b'<');
    text.bytes().any(may_open) && opens_placeholder(text)
}

fn opens_placeholder(text: &str) -> bool {
    text.contains("{{") || text.contains("${") || text.contains("$(") || text.contains("<%")
}

/// Returns whether text that is not YAML is a template.
///
/// Text that Prometheus and others expand at run time contains `{{` too, and a mistake in such a
/// manifest must be an error. So more is required: a line with only a template action, one of
/// Helm's own objects, or `{{` exactly where the text stops being YAML (at byte `end`), unless a
/// variable of alert rules follows it.
pub(in crate::source) fn is_template(text: &str, end: usize) -> bool {
    is_jinja(text) || is_go_template(text, end)
}

/// Returns whether text is a Jinja template: a line of it is a Jinja statement or comment.
fn is_jinja(text: &str) -> bool {
    let ends = [("{%", "%}"), ("{#", "#}")];
    text.lines().map(str::trim).any(|line| {
        let mut ends = ends.iter();
        ends.any(|(start, end)| line.starts_with(start) && line.contains(end))
    })
}

fn is_go_template(text: &str, end: usize) -> bool {
    const OBJECTS: [&str; 6] = [
        ".Values",
        ".Release",
        ".Chart",
        ".Capabilities",
        ".Files",
        "include \"",
    ];
    let mut actions = text
        .split("{{")
        .skip(1)
        .filter_map(|rest| rest.split("}}").next());
    // YAML reads the first brace as the beginning of a mapping, and stops at the second.
    let (before, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    let at = rest.lines().next().unwrap_or_default();
    let is_action = at.starts_with("{{") || at.starts_with('{') && before.ends_with('{');
    let stops_at_action =
        is_action && at.contains("}}") && !at.trim_start_matches(['{', '-', ' ']).starts_with('$');
    text.contains("{{")
        && (text.lines().any(|line| line.trim_start().starts_with("{{"))
            || actions.any(|action| OBJECTS.iter().any(|object| action.contains(object)))
            || stops_at_action)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinguishes_templates_from_mistakes() {
        assert!(is_template("a: {{ .Values.a }}", 0));
        assert!(is_template("{{- if true }}\na: 1", 0));
        assert!(is_template("a: {{ .namespace }}", 4));
        assert!(is_template("a: {{ .namespace }}\nb: {{ .namespace }}", 24));
        assert!(!is_template("a: {{ $labels.pod }}", 4));
        assert!(!is_template("a: '{{ $labels.pod }}'\nb: [", 26));
        assert!(!is_template("a: [", 3));
        let list = r#"[1, {"a": {"b": 1}}, {"c": "{{ .d }}"}]"#;
        assert!(!is_template(list, 4));
        assert!(is_template("{% if a %}\na: 1\n{% endif %}", 0));
        assert!(is_template("{#- about -#}\na: 1", 0));
        assert!(!is_template("a: '100{%'\nb: [", 14));
    }
}
