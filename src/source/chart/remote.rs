//! Finds remote charts: in helm's cache, or fetched by helm. Each is fetched once per run.

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, PoisonError};

use flate2::read::GzDecoder;
use tar::Archive;

use super::{FILE, HINT, cache};
use crate::source::read;
use crate::source::render::{
    ChartReference, Charts, FetchedChart, FileNames, RendererProgram, RendererRun, Rendering,
    Secrets, workspace, write_bytes,
};

/// The size limit of an unpacked chart, in bytes.
const MOST: u64 = 256 << 20;

/// The limit on files of a chart.
const MOST_FILES: usize = 20_000;

/// The prefix of the address of a registry.
const OCI: &str = "oci://";

/// How to compare a chart that needs a login.
const NO_LOGIN: &str = "driftctl gives helm no credentials: log in and pull this version into \
                        helm's cache with `helm pull -d \"$(helm env HELM_REPOSITORY_CACHE)\"`";

impl ChartReference {
    /// Returns the arguments with which helm fetches it.
    fn words(&self) -> Result<Vec<OsString>, String> {
        let repository = self.repository.trim_end_matches('/');
        let is_web = ["https://", "http://"]
            .iter()
            .any(|scheme| repository.starts_with(scheme));
        let is_name = |name: &str| {
            !name.is_empty() && !name.starts_with('-') && !name.contains(['/', '\\', ' '])
        };
        if !is_name(&self.name) || !(is_web || repository.starts_with(OCI)) {
            return Err(format!(
                "{} is not the address of a chart: write oci://, https:// or http://",
                self.called()
            ));
        }
        let mut words: Vec<OsString> = vec!["pull".into()];
        match (is_web, &self.digest) {
            (true, _) => {
                words.push(self.name.clone().into());
                words.push(format!("--repo={repository}").into());
            }
            (false, Some(digest)) => {
                words.push(format!("{repository}/{}@{digest}", self.name).into());
            }
            (false, None) => words.push(format!("{repository}/{}", self.name).into()),
        }
        if !self.version.is_empty() && (is_web || self.digest.is_none()) {
            words.push(format!("--version={}", self.version).into());
        }
        words.push("--destination=fetched".into());
        Ok(words)
    }
}

impl Charts {
    /// Returns the chart for a reference.
    ///
    /// # Errors
    /// Fails if it is not in helm's cache, and cannot or must not be fetched.
    pub(in crate::source) fn get(
        &self,
        reference: &ChartReference,
        rendering: &Rendering,
    ) -> Result<Arc<FetchedChart>, String> {
        let cell = {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.entry(reference.clone()).or_default())
        };
        let fetched = cell.get_or_init(|| fetch(reference, rendering).map(Arc::new));
        fetched.clone()
    }
}

/// Returns why a chart is not fetched.
pub(in crate::source) fn not_fetched(rendering: &Rendering) -> &'static str {
    match rendering.untrusted {
        true => "remote charts are not fetched with --untrusted",
        false => "--allow-remote lets helm fetch remote charts",
    }
}

fn fetch(reference: &ChartReference, rendering: &Rendering) -> Result<FetchedChart, String> {
    let cached = match rendering.untrusted {
        true => None,
        false => cache::archive(reference),
    };
    let archive = match cached {
        Some(file) => read::file(&file)?,
        None if rendering.allow_remote && !rendering.untrusted => pulled(reference, rendering)?,
        None => {
            return Err(format!(
                "the chart {} is not available: {}",
                reference.called(),
                not_fetched(rendering)
            ));
        }
    };
    let failed = |why: String| format!("the chart {} cannot be read: {why}", reference.called());
    let folder = workspace()?;
    let unpacked = folder.path().join("unpacked");
    unpack(&archive, &unpacked).map_err(failed)?;
    let directory = chart_in(&unpacked)
        .ok_or_else(|| failed("there is no Chart.yaml in its archive".to_owned()))?;
    let names = FileNames::default().of_copy(&directory, Path::new(&reference.called()));
    Ok(FetchedChart {
        directory,
        names,
        folder,
    })
}

/// Returns the archive that helm fetches.
fn pulled(reference: &ChartReference, rendering: &Rendering) -> Result<Vec<u8>, String> {
    let program = RendererProgram::find(rendering.helm.as_deref(), &["helm"], HINT)?;
    let workspace = workspace()?;
    let to = workspace.path().join("fetched");
    fs::create_dir(&to).map_err(|error| format!("cannot make a temporary directory: {error}"))?;
    let job = RendererRun {
        name: &format!("{} (fetching {})", program.name, reference.called()),
        program: &program.file,
        arguments: reference.words()?,
        workspace: workspace.path(),
        network: true,
        deadline: rendering.deadline,
        sandbox: rendering.sandbox,
        secrets: &Secrets::default,
    };
    job.run().map_err(|why| match needs_login(&why) {
        true => format!("{why}; {NO_LOGIN}"),
        false => why,
    })?;
    let mut files = fs::read_dir(&to).into_iter().flatten().flatten();
    let file = files.find(|file| file.path().extension().is_some_and(|end| end == "tgz"));
    let file = file.ok_or_else(|| format!("helm fetched nothing for {}", reference.called()))?;
    read::file(&file.path())
}

/// Returns whether a registry or repository refused a chart without a login.
fn needs_login(why: &str) -> bool {
    let why = why.to_ascii_lowercase();
    ["credential", "401", "403", "unauthorized", "denied"]
        .iter()
        .any(|sign| why.contains(sign))
}

/// Unpacks the regular files of an archive.
fn unpack(archive: &[u8], to: &Path) -> Result<(), String> {
    let damaged = |_| "its archive is damaged".to_owned();
    let unpacked = GzDecoder::new(archive).take(MOST + 1);
    let mut archive = Archive::new(unpacked);
    let (mut bytes, mut files) = (0, 0);
    for entry in archive.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path().map_err(damaged)?.into_owned();
        let path: PathBuf = path
            .components()
            .filter(|part| *part != Component::CurDir)
            .collect();
        if !path
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
        {
            return Err(format!("{} leads out of its archive", path.display()));
        }
        bytes += entry.size();
        files += 1;
        if bytes > MOST || files > MOST_FILES {
            return Err(format!(
                "it has more than {MOST_FILES} files or {} MiB",
                MOST >> 20
            ));
        }
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(damaged)?;
        write_bytes(&to.join(path), &content)?;
    }
    Ok(())
}

/// Returns the directory of the chart in the unpacked archive.
fn chart_in(unpacked: &Path) -> Option<PathBuf> {
    let mut folders = fs::read_dir(unpacked).ok()?.flatten();
    let chart = folders.find(|folder| folder.path().join(FILE).is_file())?;
    chart.path().canonicalize().ok()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn reference(repository: &str, version: &str) -> ChartReference {
        ChartReference {
            repository: repository.to_owned(),
            name: "shop".to_owned(),
            version: version.to_owned(),
            digest: None,
        }
    }

    fn archive(files: &[(&str, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, text) in files {
            let mut header = tar::Header::new_gnu();
            // `set_path` would refuse paths that lead out.
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            builder.append(&header, text.as_bytes()).unwrap();
        }
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&builder.into_inner().unwrap()).unwrap();
        packed.finish().unwrap()
    }

    #[test]
    fn passes_the_reference_to_helm() {
        let words = |reference: &ChartReference| {
            let words = reference.words().unwrap();
            let words: Vec<String> = words
                .iter()
                .map(|word| word.to_string_lossy().into_owned())
                .collect();
            words.join(" ")
        };
        assert_eq!(
            words(&reference("https://charts.example.com/", "1.x")),
            "pull shop --repo=https://charts.example.com --version=1.x --destination=fetched"
        );
        let mut registry = reference("oci://registry.example/charts", "1.2.3");
        assert_eq!(
            words(&registry),
            "pull oci://registry.example/charts/shop --version=1.2.3 --destination=fetched"
        );
        registry.digest = Some("sha256:aa".to_owned());
        assert_eq!(
            words(&registry),
            "pull oci://registry.example/charts/shop@sha256:aa --destination=fetched"
        );
        assert!(reference("file:///etc", "").words().is_err());
        let odd = ChartReference {
            name: "--post-renderer=x".to_owned(),
            ..reference("https://a", "")
        };
        assert!(odd.words().is_err());
    }

    #[test]
    fn distinguishes_versions_from_ranges() {
        let exact = |version: &str| reference("", version).exact_version().is_some();
        assert!(exact("1.2.3") && exact("v1.2.3-rc.1+a"));
        for range in [
            "",
            "1",
            "1.2",
            "1.x.x",
            "^1.2.3",
            ">=1.2.3",
            "1.2.3 - 2.0.0",
            "~1.2.3",
        ] {
            assert!(!exact(range), "{range}");
        }
    }

    #[test]
    fn recognizes_a_registry_that_needs_a_login() {
        let refused = "GET \"https://r.example/v2/shop/tags/list\": basic credential not found";
        assert!(needs_login(refused));
        assert!(needs_login(
            "failed to fetch https://a/index.yaml : 401 Unauthorized"
        ));
        assert!(!needs_login(
            "dial tcp 127.0.0.1:1: connect: connection refused"
        ));
    }

    #[test]
    fn unpacks_archives_only_within_their_directory() {
        let folder = tempfile::tempdir().unwrap();
        let good = archive(&[("shop/Chart.yaml", "name: shop\n"), ("shop/a/b.yaml", "a")]);
        unpack(&good, folder.path()).unwrap();
        assert!(chart_in(folder.path()).unwrap().join("a/b.yaml").is_file());
        let evil = archive(&[("shop/../../evil", "x")]);
        let refused = unpack(&evil, &folder.path().join("other")).unwrap_err();
        assert!(refused.contains("leads out"), "{refused}");
        assert!(unpack(b"no archive", folder.path()).is_err());
    }

    #[test]
    fn does_not_show_passwords_in_addresses() {
        let called = reference("https://me:pw@charts.example.com", "1.2.3").called();
        assert_eq!(called, "https://charts.example.com/shop:1.2.3");
    }
}
