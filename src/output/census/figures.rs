//! A census as metrics.

use std::io::{self, Write};

use strum::VariantArray as _;

use super::CensusOptions;
use crate::model::{Census, ObjectClass};
use crate::output::RenderOptions;
use crate::output::prometheus::MetricsPage;

/// Writes a census as metrics.
pub(super) fn write(
    census: &Census,
    asked: CensusOptions,
    options: &RenderOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut page = MetricsPage::default();
    let share = census.total().share(asked.counts_elsewhere);
    let ratio = |percent: Option<f64>| percent.map(|percent| (Vec::new(), percent / 100.0));
    page.gauge(
        "declared_ratio",
        "Share of live objects that are declared; an upper bound if some kinds could not be \
         listed.",
        ratio(share.percent()),
    );
    page.gauge(
        "declared_fields_ratio",
        "Share of the fields of declared objects that are declared.",
        ratio(census.fields.percent()),
    );
    let namespaces = census.by_namespace().into_iter();
    page.gauge(
        "live_objects",
        "Live objects by namespace and by who declares them.",
        namespaces.flat_map(|(namespace, tally)| {
            ObjectClass::VARIANTS.iter().map(move |&class| {
                let labels = vec![("namespace", namespace), ("class", class.as_str())];
                (labels, tally.of(class) as f64)
            })
        }),
    );
    page.gauge(
        "unlisted_kinds",
        "Kinds that could not be listed in every namespace.",
        [(Vec::new(), census.unlisted.len() as f64)],
    );
    let missing = [("missing", census.missing), ("unknown", census.unknown)];
    page.gauge(
        "declared_objects_not_found",
        "Declared objects that are not in the cluster or could not be read.",
        missing.map(|(status, n)| (vec![("status", status)], n as f64)),
    );
    page.gauge(
        "orphaned_namespaces",
        "Namespaces that were created for something that is gone.",
        [(Vec::new(), census.orphans.len() as f64)],
    );
    let created = census.orphans.iter().filter_map(|orphan| {
        let created = orphan.created?.as_second() as f64;
        Some((vec![("namespace", orphan.namespace.as_str())], created))
    });
    page.gauge(
        "orphaned_namespace_created_timestamp_seconds",
        "When each orphaned namespace was created.",
        created,
    );
    if let Some(now) = options.now {
        page.gauge(
            "report_timestamp_seconds",
            "When the report was made.",
            [(Vec::new(), now.as_second() as f64)],
        );
    }
    page.write(out)
}
