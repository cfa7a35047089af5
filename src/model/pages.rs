//! The web pages of manifests.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Origin;

/// The addresses of files in a browser, by file and commit.
#[derive(Debug, Clone, Default)]
pub struct WebPages(BTreeMap<(Arc<str>, Option<Arc<str>>), String>);

impl WebPages {
    /// Adds the address of a file, in which `{line}` stands for the line.
    pub fn add(&mut self, file: Arc<str>, revision: Option<Arc<str>>, address: String) {
        self.0.insert((file, revision), address);
    }

    /// Returns the address of a line of the file that an object is declared in.
    pub fn line(&self, origin: &Origin, line: usize) -> Option<String> {
        let file = (Arc::clone(&origin.file), origin.revision.clone());
        let address = self.0.get(&file)?;
        Some(address.replace("{line}", &line.to_string()))
    }
}
