//! `junit`: a test report in which every object is a test.
//!
//! Drift is a failure, what could not be compared is an error. The document uses only what the
//! common schemas (Ant's, Jenkins') share.

use std::io::{self, Write};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::finding::{FindingClass, ReportFinding, findings};
use super::several::ClusterReport;
use super::{Format, RenderOptions, ShowLevel, escape, ignored, words};
use crate::model::ObjectStatus;
use crate::redact::Redacted;

/// One suite with one test for each object.
pub struct Junit;

impl Format for Junit {
    fn name(&self) -> &'static str {
        "junit"
    }

    fn description(&self) -> &'static str {
        "JUnit XML: each object is a test, drift is a failure, an object that was not compared is \
         an error"
    }

    fn render(
        &self,
        report: &Redacted,
        options: &RenderOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        write([TestSuite::new(report)].into_iter(), options, out)
    }

    fn render_several(
        &self,
        clusters: &[ClusterReport<'_>],
        options: &RenderOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let suites = clusters.iter().map(|cluster| TestSuite {
            name: format!("driftctl {}", escape::line(&cluster.name)),
            ..TestSuite::new(cluster.report)
        });
        write(suites, options, out)
    }
}

/// A test: an object, or the run as a whole.
struct TestCase {
    class_name: String,
    name: String,
    /// Why it is an error rather than a failure, if it is.
    error: Option<String>,
    findings: Vec<ReportFinding>,
}

/// The result of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TestOutcome {
    Passed,
    Failure,
    Error,
}

/// Returns the test that everything was compared, which fails for errors without an object.
fn completeness(report: &Redacted, faults: Vec<ReportFinding>) -> TestCase {
    TestCase {
        class_name: "driftctl".to_owned(),
        name: "everything was compared".to_owned(),
        error: words::incomplete(report).map(str::to_owned),
        findings: faults,
    }
}

/// Returns the tests of one cluster.
struct TestSuite<'r> {
    name: String,
    report: &'r Redacted,
    cases: Vec<TestCase>,
}

fn write<'r>(
    suites: impl Iterator<Item = TestSuite<'r>>,
    options: &RenderOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut xml = Writer::new_with_indent(out, b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    // Ant's schema has no counts here.
    xml.write_event(Event::Start(BytesStart::new("testsuites")))?;
    for (id, suite) in suites.enumerate() {
        suite.write(&mut xml, id, options)?;
    }
    xml.write_event(Event::End(BytesEnd::new("testsuites")))?;
    xml.into_inner().write_all(b"\n")
}

impl<'r> TestSuite<'r> {
    fn new(report: &'r Redacted) -> Self {
        let mut cases: Vec<TestCase> = report
            .objects
            .iter()
            .map(|object| TestCase {
                class_name: object.key.namespace.clone().unwrap_or_default(),
                name: words::object(object),
                error: (object.status() == ObjectStatus::Unknown)
                    .then(|| words::status_note(object).unwrap_or_default()),
                findings: Vec::new(),
            })
            .collect();
        let mut faults = Vec::new();
        for finding in findings(report, ShowLevel::Drift) {
            if finding.class.is_intended() {
                continue;
            }
            match finding.object.and_then(|at| cases.get_mut(at)) {
                Some(case) => case.findings.push(finding),
                None if finding.class.is_fault() => faults.push(finding),
                None => {}
            }
        }
        cases.push(completeness(report, faults));
        Self {
            name: "driftctl".to_owned(),
            report,
            cases,
        }
    }

    fn with(&self, outcome: TestOutcome) -> String {
        let cases = self.cases.iter().filter(|case| case.outcome() == outcome);
        cases.count().to_string()
    }

    fn count(&self, element: &mut BytesStart<'_>) {
        element.push_attribute(("tests", self.cases.len().to_string().as_str()));
        element.push_attribute(("failures", self.with(TestOutcome::Failure).as_str()));
        element.push_attribute(("errors", self.with(TestOutcome::Error).as_str()));
    }

    fn write(
        &self,
        xml: &mut Writer<&mut dyn Write>,
        id: usize,
        options: &RenderOptions,
    ) -> io::Result<()> {
        let report = self.report;
        let mut suite = BytesStart::new("testsuite");
        suite.push_attribute(("name", self.name.as_str()));
        suite.push_attribute(("package", "driftctl"));
        suite.push_attribute(("id", id.to_string().as_str()));
        self.count(&mut suite);
        suite.push_attribute(("skipped", "0"));
        let seconds = options.duration.unwrap_or_default().as_secs_f64();
        suite.push_attribute(("time", format!("{seconds:.3}").as_str()));
        let now = options.now.unwrap_or_default();
        let stamp = now.strftime("%Y-%m-%dT%H:%M:%S").to_string();
        suite.push_attribute(("timestamp", stamp.as_str()));
        suite.push_attribute(("hostname", "localhost"));
        xml.write_event(Event::Start(suite))?;

        xml.write_event(Event::Start(BytesStart::new("properties")))?;
        let coverage = words::coverage(report);
        let target = words::sides(report).unwrap_or_default();
        for (name, value) in [
            ("verdict", report.verdict()),
            ("coverage", &coverage),
            ("target", &target),
        ] {
            property(xml, name, value)?;
        }
        for (rule, hid) in ignored::by_rule(report) {
            let name = format!("ignored by {}", escape::line(rule));
            property(xml, &name, &hid.to_string())?;
        }
        xml.write_event(Event::End(BytesEnd::new("properties")))?;
        self.cases.iter().try_for_each(|case| case.write(xml))?;
        let messages: Vec<String> = report
            .warnings
            .iter()
            .map(|warning| {
                let level = if warning.fatal { "error" } else { "warning" };
                let place = match warning.place.as_str() {
                    "" => String::new(),
                    place => format!("{place}: "),
                };
                escape::line(&format!("{level}: {place}{}", warning.message)).into_owned()
            })
            .collect();
        let mut said = vec![words::tally(report)];
        said.extend(words::conflict(report).map(|meaning| format!("CONFLICT: {meaning}")));
        said.extend(ignored::lines(report, options.show));
        text_element(xml, "system-out", &said.join("\n"))?;
        text_element(xml, "system-err", &messages.join("\n"))?;
        xml.write_event(Event::End(BytesEnd::new("testsuite")))
    }
}

impl TestCase {
    fn outcome(&self) -> TestOutcome {
        match (&self.error, &self.findings[..]) {
            (Some(_), _) => TestOutcome::Error,
            (None, []) => TestOutcome::Passed,
            (None, _) => TestOutcome::Failure,
        }
    }

    fn write(&self, xml: &mut Writer<&mut dyn Write>) -> io::Result<()> {
        let mut case = BytesStart::new("testcase");
        let class_name = escape::line(&self.class_name);
        let class_name = if class_name.is_empty() {
            "cluster"
        } else {
            &class_name
        };
        case.push_attribute(("classname", class_name));
        case.push_attribute(("name", self.name.as_str()));
        case.push_attribute(("time", "0"));
        if self.outcome() == TestOutcome::Passed {
            return xml.write_event(Event::Empty(case));
        }
        xml.write_event(Event::Start(case))?;
        self.write_outcome(xml)?;
        xml.write_event(Event::End(BytesEnd::new("testcase")))
    }

    /// Writes the outcome. All findings of an object are one failure: some readers show only the
    /// first.
    fn write_outcome(&self, xml: &mut Writer<&mut dyn Write>) -> io::Result<()> {
        let name = match self.outcome() {
            TestOutcome::Error => "error",
            TestOutcome::Passed | TestOutcome::Failure => "failure",
        };
        let mut outcome = BytesStart::new(name);
        let message = match (&self.error, &self.findings[..]) {
            (Some(error), _) => error.clone(),
            (None, [only]) => only.message.clone(),
            (None, [first, ..]) if first.class == FindingClass::Conflict => first.message.clone(),
            (None, [first, ..]) if first.class.is_of_policy() => first.message.clone(),
            (None, many) => words::count(many.len(), "change"),
        };
        outcome.push_attribute(("message", message.as_str()));
        let class = self.findings.first().map_or("incomplete", |f| f.class.id());
        outcome.push_attribute(("type", class));
        let lines: Vec<String> = self.findings.iter().map(line).collect();
        xml.write_event(Event::Start(outcome))?;
        xml.write_event(Event::Text(BytesText::new(&lines.join("\n"))))?;
        xml.write_event(Event::End(BytesEnd::new(name)))
    }
}

/// Returns `manifests/cart.yaml:20: .spec.replicas is 5 live, but 3 is declared (medium)`.
fn line(finding: &ReportFinding) -> String {
    let place = finding.place.as_ref().map_or_else(String::new, |place| {
        format!("{}:{}: ", place.file, place.line)
    });
    let line = format!("{place}{} ({})", finding.message, finding.severity.as_str());
    escape::line(&line).into_owned()
}

fn property(xml: &mut Writer<&mut dyn Write>, name: &str, value: &str) -> io::Result<()> {
    let mut property = BytesStart::new("property");
    property.push_attribute(("name", name));
    property.push_attribute(("value", value));
    xml.write_event(Event::Empty(property))
}

fn text_element(
    xml: &mut Writer<&mut dyn Write>,
    name: &'static str,
    text: &str,
) -> io::Result<()> {
    xml.write_event(Event::Start(BytesStart::new(name)))?;
    xml.write_event(Event::Text(BytesText::new(text)))?;
    xml.write_event(Event::End(BytesEnd::new(name)))
}
