//! `driftctl doctor`: checks whether a diff could read everything, and what is missing.

mod checks;

use anyhow::{Result, ensure};

use crate::cli::args::{CommandFormat, ConnectionArgs, DoctorArgs, LiveArgs};
use crate::cli::comparison::{self, cluster, scanned, sources};
use crate::cli::settings::Settings;
use crate::cli::{Exit, Streams, message};
use crate::cluster::{Api, Discovery as _};
use crate::engine::{self, Extra, Options};
use crate::model::Examination;
use crate::output;
use crate::source::Source;

/// Runs the checks, prints them, and returns the exit code.
///
/// # Errors
/// Fails if the arguments contradict each other, or standard output cannot be written to.
pub fn run(args: &DoctorArgs, settings: &Settings, streams: &mut Streams) -> Result<Exit> {
    let examinations = examine_all(args)?;
    let out = &mut streams.out;
    match args.output {
        CommandFormat::Json => output::doctor_json(&examinations, out)?,
        CommandFormat::Yaml => {
            for examination in &examinations {
                output::doctor_yaml(examination, out)?;
            }
            for check in examinations.iter().flat_map(Examination::failed) {
                message::print_message(streams, settings, &check.to_string());
            }
        }
        _ => output::doctor_text(&examinations, settings.color, out)?,
    }
    Ok(if examinations.iter().all(Examination::is_ready) {
        Exit::Clean
    } else {
        Exit::Trouble
    })
}

/// Checks each named cluster, in the order of the arguments, or the only one.
fn examine_all(args: &DoctorArgs) -> Result<Vec<Examination>> {
    let chosen = comparison::chosen(&args.reading.connection)?;
    let contexts = &chosen.context;
    ensure!(
        contexts.len() < 2 || args.output != CommandFormat::Yaml,
        "-o yaml prints the Roles of one cluster, but --context names {} ({}); name one",
        contexts.len(),
        contexts.join(", ")
    );
    let sources = sources(&args.reading.source, &LiveArgs::default())?;
    if contexts.len() < 2 {
        return Ok(vec![examine(args, &chosen, &sources)]);
    }
    let examine = |context: &String| {
        let connection = chosen.of_context(context);
        Examination {
            context: Some(context.clone()),
            ..examine(args, &connection, &sources)
        }
    };
    Ok(contexts.iter().map(examine).collect())
}

/// Runs the checks in the order in which they depend on each other, as far as possible.
fn examine(
    args: &DoctorArgs,
    connection: &ConnectionArgs,
    sources: &[Box<dyn Source>],
) -> Examination {
    let mut examination = Examination {
        is_for_revert: args.is_for_revert(),
        ..Examination::default()
    };
    let api = match cluster(connection, &scanned(&args.reading.source)) {
        Ok(api) => api,
        Err(error) => {
            examination.no_kubeconfig(&error);
            return examination;
        }
    };
    examination.kubeconfig(&api.target());
    let options = Options {
        server_dry_run: args.server_dry_run,
        writes: args.is_for_revert(),
        ..comparison::read_options(&args.reading)
    };
    let extra_kinds = match options.extra {
        Extra::None => Ok(Vec::new()),
        Extra::Namespace | Extra::Managed | Extra::Census => api.namespaced_kinds(),
    };
    let needs = engine::required_rights(
        sources,
        &api,
        &options,
        extra_kinds.as_deref().unwrap_or_default(),
    );
    let needs = match needs {
        Ok(needs) => needs,
        Err(error) => {
            examination.no_connection(&api.target(), &error);
            return examination;
        }
    };
    examination.connection(&api.target());
    examination.manifests(&needs);
    examination.kinds(&needs, extra_kinds.err().as_ref());
    rights(&mut examination, &api, &needs, args);
    examination
}

fn rights(examination: &mut Examination, api: &Api, needs: &engine::Needs, args: &DoctorArgs) {
    let identity = api.identity();
    let subject = args
        .subject()
        .cloned()
        .or_else(|| Some(identity.as_ref().ok()?.user.clone()));
    examination.identity(identity);
    let wanted = needs.rights.keys().cloned().collect();
    examination.rights(&needs.rights, &api.may(&wanted));
    let granted = needs.to_grant();
    examination.roles = engine::roles(&args.role_name, &granted, subject.as_deref());
    examination.subject = subject;
}
