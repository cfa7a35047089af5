//! `driftctl doctor`: whether a diff would read everything, and what it lacks.

mod checks;
mod show;

use anyhow::Result;

use crate::cli::args::{DoctorArgs, DoctorFormat, LiveArgs};
use crate::cli::comparison::{self, cluster, sources};
use crate::cli::settings::Settings;
use crate::cli::{Exit, Streams, message};
use crate::cluster::{Api, Live as _};
use crate::engine::{self, Extra, Options};
use checks::Examination;

/// Examines, prints, and answers with the exit code.
///
/// # Errors
/// When the words contradict one another, or standard output cannot be written to.
pub fn run(args: &DoctorArgs, settings: &Settings, streams: &mut Streams) -> Result<Exit> {
    let examination = examine(args)?;
    match args.output {
        DoctorFormat::Text => show::text(&examination, settings, &mut streams.out)?,
        DoctorFormat::Json => show::json(&examination, &mut streams.out)?,
        DoctorFormat::Yaml => {
            show::yaml(&examination, &mut streams.out)?;
            for check in examination.failed() {
                message::say(streams, settings, &check.to_string());
            }
        }
    }
    Ok(if examination.failed().next().is_none() {
        Exit::Clean
    } else {
        Exit::Trouble
    })
}

/// Goes through the checks in the order in which they depend on one another, as far as that goes.
fn examine(args: &DoctorArgs) -> Result<Examination> {
    let sources = sources(&args.source, &LiveArgs::default())?;
    let mut examination = Examination::default();
    let api = match cluster(&args.connection, &args.source.paths) {
        Ok(api) => api,
        Err(error) => {
            examination.no_kubeconfig(&error);
            return Ok(examination);
        }
    };
    examination.kubeconfig(&api.target());
    let options = Options {
        extra: args.extra.into(),
        server_dry_run: args.server_dry_run,
        ..comparison::filters(&args.filter)
    };
    let extra_kinds = match options.extra {
        Extra::None => Ok(Vec::new()),
        Extra::Namespace | Extra::Managed => api.namespaced_kinds(),
    };
    let needs = engine::needs(
        &sources,
        &api,
        &options,
        extra_kinds.as_deref().unwrap_or_default(),
    );
    let needs = match needs {
        Ok(needs) => needs,
        Err(error) => {
            examination.no_connection(&error);
            return Ok(examination);
        }
    };
    examination.connection(&api.target());
    examination.manifests(&needs);
    examination.kinds(&needs, extra_kinds.err().as_ref());
    rights(&mut examination, &api, &needs, args);
    Ok(examination)
}

fn rights(examination: &mut Examination, api: &Api, needs: &engine::Needs, args: &DoctorArgs) {
    let identity = api.identity();
    let subject = args
        .subject
        .clone()
        .or_else(|| Some(identity.as_ref().ok()?.user.clone()));
    examination.identity(identity);
    let wanted = needs.rights.keys().cloned().collect();
    examination.rights(&needs.rights, &api.may(&wanted));
    examination.roles = engine::roles(&args.role_name, &wanted, subject.as_deref());
    examination.subject = subject;
}
