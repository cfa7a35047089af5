//! The text format of Prometheus: metrics, each with its help, type and samples.

use std::io::{self, Write};

use crate::output::escape;

/// The type of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MetricType {
    Gauge,
    Counter,
    Histogram,
}

impl MetricType {
    fn word(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Histogram => "histogram",
        }
    }
}

/// A metric, which occurs once on the page, with the samples of all clusters.
struct Metric {
    name: &'static str,
    help: &'static str,
    of_type: MetricType,
    samples: Vec<String>,
}

/// Labels with unescaped values.
pub(in crate::output) type Labels<'l> = Vec<(&'l str, &'l str)>;

/// A page of metrics.
#[derive(Default)]
pub(in crate::output) struct MetricsPage<'r> {
    /// The cluster of the samples, if there are several.
    pub cluster: Option<&'r str>,
    metrics: Vec<Metric>,
}

impl MetricsPage<'_> {
    /// Adds samples of a gauge.
    pub fn gauge<'l>(
        &mut self,
        name: &'static str,
        help: &'static str,
        samples: impl IntoIterator<Item = (Labels<'l>, f64)>,
    ) {
        self.samples(name, help, MetricType::Gauge, samples);
    }

    /// Adds samples of a counter. Its name ends in `_total`.
    pub fn counter<'l>(
        &mut self,
        name: &'static str,
        help: &'static str,
        samples: impl IntoIterator<Item = (Labels<'l>, f64)>,
    ) {
        self.samples(name, help, MetricType::Counter, samples);
    }

    /// Adds one series of a histogram: the count for each bound, the sum of all values, and the
    /// total count.
    pub fn histogram(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &[(&str, &str)],
        buckets: &[(f64, u64)],
        (sum, count): (f64, u64),
    ) {
        let cluster = self.cluster.map(|cluster| ("cluster", cluster));
        let labels: Vec<_> = cluster.into_iter().chain(labels.iter().copied()).collect();
        let metric = self.metric(name, help, MetricType::Histogram);
        let bounds = buckets
            .iter()
            .map(|(bound, n)| (bound.to_string(), *n))
            .chain([("+Inf".to_owned(), count)]);
        for (bound, n) in bounds {
            let mut labels = labels.clone();
            labels.push(("le", &bound));
            let labels = written(labels);
            metric
                .samples
                .push(format!("driftctl_{name}_bucket{labels} {n}"));
        }
        let labels = written(labels);
        metric
            .samples
            .push(format!("driftctl_{name}_sum{labels} {sum}"));
        metric
            .samples
            .push(format!("driftctl_{name}_count{labels} {count}"));
    }

    fn samples<'l>(
        &mut self,
        name: &'static str,
        help: &'static str,
        of_type: MetricType,
        samples: impl IntoIterator<Item = (Labels<'l>, f64)>,
    ) {
        let cluster = self.cluster.map(|cluster| ("cluster", cluster));
        let samples = samples.into_iter().map(|(labels, value)| {
            let labels = written(cluster.into_iter().chain(labels));
            format!("driftctl_{name}{labels} {value}")
        });
        self.metric(name, help, of_type).samples.extend(samples);
    }

    fn metric(
        &mut self,
        name: &'static str,
        help: &'static str,
        of_type: MetricType,
    ) -> &mut Metric {
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
    /// Fails like `out`.
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

/// Returns `{severity="high",namespace="shop"}`; nothing without labels.
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

/// Escapes backslash, quote and line feed as the format requires; the rest is escaped like other
/// text.
fn label_value(text: &str) -> String {
    escape::line(text)
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_bucket_counts_all_values() {
        let mut page = MetricsPage::default();
        let buckets = [(60.0, 1), (600.0, 3)];
        page.histogram(
            "x_seconds",
            "X.",
            &[("severity", "high")],
            &buckets,
            (99.5, 4),
        );
        page.counter("y_total", "Y.", [(vec![("how", "a\"b")], 2.0)]);
        let mut text = Vec::new();
        page.write(&mut text).unwrap();
        let expected = r#"# HELP driftctl_x_seconds X.
# TYPE driftctl_x_seconds histogram
driftctl_x_seconds_bucket{severity="high",le="60"} 1
driftctl_x_seconds_bucket{severity="high",le="600"} 3
driftctl_x_seconds_bucket{severity="high",le="+Inf"} 4
driftctl_x_seconds_sum{severity="high"} 99.5
driftctl_x_seconds_count{severity="high"} 4
# HELP driftctl_y_total Y.
# TYPE driftctl_y_total counter
driftctl_y_total{how="a\"b"} 2
"#;
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }
}
