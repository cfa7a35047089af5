//! The text format of Prometheus: metrics, each with its help, type and samples.

use std::io::{self, Write};

use crate::output::escape;

/// What becomes of a metric's value over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Gauge,
}

impl Type {
    fn word(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
        }
    }
}

/// A metric, which stands on the page once, with the samples of all clusters.
struct Metric {
    name: &'static str,
    help: &'static str,
    of_type: Type,
    samples: Vec<String>,
}

/// Labels, with their values as they are.
pub(in crate::output) type Labels<'l> = Vec<(&'l str, &'l str)>;

/// A page of metrics.
#[derive(Default)]
pub(in crate::output) struct Page<'r> {
    /// The cluster of which the samples are, where there are several.
    pub cluster: Option<&'r str>,
    metrics: Vec<Metric>,
}

impl Page<'_> {
    /// Adds samples of a metric that may rise and fall.
    pub fn gauge<'l>(
        &mut self,
        name: &'static str,
        help: &'static str,
        samples: impl IntoIterator<Item = (Labels<'l>, f64)>,
    ) {
        self.samples(name, help, Type::Gauge, samples);
    }

    fn samples<'l>(
        &mut self,
        name: &'static str,
        help: &'static str,
        of_type: Type,
        samples: impl IntoIterator<Item = (Labels<'l>, f64)>,
    ) {
        let cluster = self.cluster.map(|cluster| ("cluster", cluster));
        let samples = samples.into_iter().map(|(labels, value)| {
            let labels = written(cluster.into_iter().chain(labels));
            format!("driftctl_{name}{labels} {value}")
        });
        self.metric(name, help, of_type).samples.extend(samples);
    }

    fn metric(&mut self, name: &'static str, help: &'static str, of_type: Type) -> &mut Metric {
        let at = self.metrics.iter().position(|metric| metric.name == name);
        let at = at.unwrap_or_else(|| {
            self.metrics.push(Metric {
                name,
                help,
                of_type,
                samples: Vec::new(),
            });
            self.metrics.len() - 1
        });
        &mut self.metrics[at]
    }

    /// Writes the page.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        for metric in &self.metrics {
            let name = metric.name;
            writeln!(out, "# HELP driftctl_{name} {}", metric.help)?;
            writeln!(out, "# TYPE driftctl_{name} {}", metric.of_type.word())?;
            for sample in &metric.samples {
                writeln!(out, "{sample}")?;
            }
        }
        Ok(())
    }
}

/// `{severity="high",namespace="shop"}`; nothing where there are no labels.
fn written<'l>(labels: impl IntoIterator<Item = (&'l str, &'l str)>) -> String {
    let labels: Vec<String> = labels
        .into_iter()
        .map(|(label, value)| format!("{label}=\"{}\"", label_value(value)))
        .collect();
    match labels.join(",") {
        labels if labels.is_empty() => labels,
        labels => format!("{{{labels}}}"),
    }
}

/// Backslash, quote and line feed are escaped by the format; the rest is ours to care about.
fn label_value(text: &str) -> String {
    escape::line(text)
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
}
