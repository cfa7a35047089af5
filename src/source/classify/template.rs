//! Tells templates, which become YAML or objects only when they are rendered, from mistakes.

/// Returns whether a text still holds what a template engine is to replace.
pub(super) fn holds_placeholder(text: &str) -> bool {
    text.contains("{{") || text.contains("${") || text.contains("$(") || text.contains("<%")
}

/// Returns whether a text that is not YAML is a template, which becomes YAML only when it is
/// rendered.
///
/// Text that Prometheus and others expand at run time holds `{{` too, and a mistake in such a
/// manifest is to be an error. So it takes more than that: a line of nothing but template, one of
/// Helm's own objects, or `{{` right where the text stops being YAML (`at`), unless what follows
/// is one of the variables that alert rules use.
pub(in crate::source) fn is_template(text: &str, at: &str) -> bool {
    is_jinja(text) || is_go_template(text, at)
}

/// Returns whether a text is a template of Jinja: a line of it is a statement or a comment of
/// Jinja's.
fn is_jinja(text: &str) -> bool {
    let ends = [("{%", "%}"), ("{#", "#}")];
    text.lines().map(str::trim).any(|line| {
        let mut ends = ends.iter();
        ends.any(|(start, end)| line.starts_with(start) && line.contains(end))
    })
}

fn is_go_template(text: &str, at: &str) -> bool {
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
    let stops_at_action = at.starts_with('{')
        && at.contains("}}")
        && !at.trim_start_matches(['{', '-', ' ']).starts_with('$');
    text.contains("{{")
        && (text.lines().any(|line| line.trim_start().starts_with("{{"))
            || actions.any(|action| OBJECTS.iter().any(|object| action.contains(object)))
            || stops_at_action)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_told_from_mistakes() {
        assert!(is_template("a: {{ .Values.a }}", ""));
        assert!(is_template("{{- if true }}\na: 1", ""));
        assert!(is_template("a: {{ .namespace }}", "{ .namespace }}"));
        assert!(!is_template("a: {{ $labels.pod }}", "{ $labels.pod }}"));
        assert!(!is_template("a: '{{ $labels.pod }}'\nb: [", "["));
        assert!(!is_template("a: [", "["));
        assert!(is_template("{% if a %}\na: 1\n{% endif %}", "{% if a %}"));
        assert!(is_template("{#- about -#}\na: 1", ""));
        assert!(!is_template("a: '100{%'\nb: [", "["));
    }
}
