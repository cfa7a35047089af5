//! The documents that have a JSON Schema.

use serde_json::Value;

use super::census::census_schema;
use super::document::{
    debt_schema, doctor_schema, doctors_schema, explanation_schema, plan_schema, report_schema,
    reports_schema, rules_schema,
};
use super::history::timeline_schema;
use super::tried::checks_schema;

/// A JSON document with its schema.
#[derive(Debug, Clone, Copy)]
pub struct DocumentSchema {
    /// The argument for `driftctl schema`.
    pub name: &'static str,
    /// One line for the help: which command writes it.
    pub about: &'static str,
    /// Returns the schema.
    pub schema: fn() -> Value,
}

/// Every document that driftctl writes for other programs. `driftctl schema`, its help and the
/// completions derive from this list; a new document is one line here.
pub const SCHEMAS: &[DocumentSchema] = &[
    DocumentSchema {
        name: "report",
        about: "The report of 'driftctl diff -o json' and '-o yaml' (driftctl.report/v1)",
        schema: report_schema,
    },
    DocumentSchema {
        name: "reports",
        about: "The reports on several clusters in one document (driftctl.reports/v1)",
        schema: reports_schema,
    },
    DocumentSchema {
        name: "explanation",
        about: "The explanation of 'driftctl explain -o json' (driftctl.explanation/v1)",
        schema: explanation_schema,
    },
    DocumentSchema {
        name: "plan",
        about: "The plan of 'driftctl revert -o json' and 'backport -o json' (driftctl.plan/v1)",
        schema: plan_schema,
    },
    DocumentSchema {
        name: "timeline",
        about: "The timeline of 'driftctl timeline -o json' (driftctl.timeline/v1)",
        schema: timeline_schema,
    },
    DocumentSchema {
        name: "coverage",
        about: "The coverage of 'driftctl coverage -o json' (driftctl.coverage/v1)",
        schema: census_schema,
    },
    DocumentSchema {
        name: "policy-check",
        about: "What 'driftctl guard --check -o json' finds (driftctl.policy-check/v1)",
        schema: checks_schema,
    },
    DocumentSchema {
        name: "rules",
        about: "The rules of 'driftctl rules -o json' (driftctl.rules/v1)",
        schema: rules_schema,
    },
    DocumentSchema {
        name: "debt",
        about: "The accepted drift of 'driftctl debt -o json' (driftctl.debt/v1)",
        schema: debt_schema,
    },
    DocumentSchema {
        name: "doctor",
        about: "The checklist of 'driftctl doctor -o json' (driftctl.doctor/v1)",
        schema: doctor_schema,
    },
    DocumentSchema {
        name: "doctors",
        about: "The checklists of several clusters in one document (driftctl.doctors/v1)",
        schema: doctors_schema,
    },
];
