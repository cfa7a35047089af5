//! Reads the groups of a plan.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::pin::Pin;
use std::sync::Arc;

use serde::Deserialize;
use tokio::task::JoinSet;

use super::failure::ApiFailure;
use super::list::{ListPage, ListSelection, PageReceiver, is_evidence};
use super::plan::{GroupScope, PAGE, ReadGroup};
use super::request::{ApiRequest, ResponseForm};
use super::send::Sender;
use crate::cluster::{
    AccessRight, LiveObject, Meter, Namespaces, ReadResult, ServedKind, rights_in_words,
};
use crate::model::{GroupKind, ResourceKey, Warning};

/// The limit on restarts of an expired list.
const RELISTS: u32 = 2;

/// Up to this many objects that a list lacks are requested again: an object that was replaced while
/// the list was read exists again a moment later. More than that are not a coincidence.
const CONFIRM: usize = 16;

/// The results for a group.
#[derive(Debug, Default)]
pub(super) struct GroupResults {
    pub answers: BTreeMap<ResourceKey, ReadResult>,
    pub extra: Vec<LiveObject>,
    /// The kinds that were searched for undeclared objects.
    pub extra_kinds: BTreeSet<ServedKind>,
    /// The kinds that could not be searched completely.
    pub extra_unread: BTreeSet<String>,
    /// The missing permissions, by where the search was.
    pub extra_forbidden: BTreeMap<String, BTreeSet<AccessRight>>,
    pub warnings: Vec<Warning>,
    /// Whether reading single objects is forbidden.
    pub forbidden: bool,
}

/// How far to read a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReadExtent {
    /// Until reading the remaining objects one by one is cheaper.
    AsNeeded,
    /// To its end.
    End,
}

/// The result of reading a list.
#[derive(Default)]
struct ListResult {
    found: Vec<LiveObject>,
    extra: Vec<LiveObject>,
    /// Wanted objects that exist and were not read with the list.
    present: Vec<ResourceKey>,
    /// Whether the list was read to its end, so that objects that it lacks do not exist.
    complete: bool,
}

/// Reads groups with the requests of a [`Sender`].
pub(super) struct GroupReader {
    pub sender: Arc<Sender>,
}

impl GroupReader {
    /// Reads one group. Never fails as a whole: errors are in the results.
    pub async fn group(self: Arc<Self>, group: ReadGroup) -> GroupResults {
        let outcome = self.strategy(group).await;
        Meter::of_process().group();
        outcome
    }

    /// Returns the future that reads a group. It is boxed, because a group may be split into parts.
    fn strategy(
        self: Arc<Self>,
        group: ReadGroup,
    ) -> Pin<Box<dyn Future<Output = GroupResults> + Send>> {
        Box::pin(self.choose(group))
    }

    async fn choose(self: Arc<Self>, group: ReadGroup) -> GroupResults {
        if group.is_few() {
            let outcome = Self::objects(&self, &group.kind, group.wanted.clone()).await;
            return self.listed_where_forbidden(&group, outcome).await;
        }
        let failure = match self.list(&group, ReadExtent::AsNeeded).await {
            Ok(listed) => return self.answer_group(group, listed).await,
            Err(failure) => failure,
        };
        // LIST everywhere → LIST in the namespace → GET.
        let refused = matches!(&failure, ApiFailure::Forbidden(_))
            || matches!(&failure, ApiFailure::Status(status) if status.code == 405);
        if refused && group.scope == GroupScope::AllNamespaces {
            let parts = group.by_namespace(group.wanted.clone());
            let mut outcome = self.parts(parts).await;
            if group.extra_in == Namespaces::All {
                outcome.no_extra(&group, &failure);
            }
            return outcome;
        }
        let mut outcome = if refused {
            Self::objects(&self, &group.kind, group.wanted.clone()).await
        } else {
            let unread = |key| (key, ReadResult::Unread(failure.to_string()));
            GroupResults {
                answers: group.wanted.iter().cloned().map(unread).collect(),
                ..GroupResults::default()
            }
        };
        outcome.no_extra(&group, &failure);
        outcome
    }

    /// Returns the results for all objects that a group wants, given its list.
    async fn answer_group(self: Arc<Self>, group: ReadGroup, listed: ListResult) -> GroupResults {
        let mut outcome = GroupResults {
            extra: listed.extra,
            ..GroupResults::default()
        };
        for object in listed.found {
            outcome
                .answers
                .insert(object.key.clone(), ReadResult::Found(object));
        }
        let unanswered = |key: &&ResourceKey| !outcome.answers.contains_key(key);
        let left: Vec<_> = group.wanted.iter().filter(unanswered).cloned().collect();
        if listed.complete {
            let present: HashSet<_> = listed.present.iter().collect();
            let (present, absent): (Vec<_>, _) =
                left.into_iter().partition(|key| present.contains(key));
            outcome.add(Self::objects(&self, &group.kind, present).await);
            outcome.add(Self::confirm(&self, &group.kind, absent).await);
        } else if group.scope == GroupScope::AllNamespaces {
            outcome.add(self.parts(group.by_namespace(left)).await);
        } else {
            outcome.add(Self::objects(&self, &group.kind, left).await);
            outcome = self.listed_where_forbidden(&group, outcome).await;
        }
        outcome
    }

    /// Lists objects that may not be read one by one: a user with `list` but not `get` can still
    /// read them. If the list is forbidden too, they stay forbidden.
    async fn listed_where_forbidden(
        &self,
        group: &ReadGroup,
        mut outcome: GroupResults,
    ) -> GroupResults {
        if !outcome.forbidden {
            return outcome;
        }
        let Ok(listed) = self.list(group, ReadExtent::End).await else {
            return outcome;
        };
        let absent = |key: &ResourceKey| (key.clone(), ReadResult::Absent);
        outcome.answers.extend(group.wanted.iter().map(absent));
        let found = listed.found.into_iter();
        let found = found.map(|object| (object.key.clone(), ReadResult::Found(object)));
        outcome.answers.extend(found);
        outcome
    }

    async fn parts(self: Arc<Self>, groups: Vec<ReadGroup>) -> GroupResults {
        let mut tasks = JoinSet::new();
        for group in groups {
            tasks.spawn(Arc::clone(&self).strategy(group));
        }
        let mut outcome = GroupResults::default();
        for part in tasks.join_all().await {
            outcome.add(part);
        }
        outcome
    }

    /// Reads objects one by one, in parallel.
    async fn objects(this: &Arc<Self>, kind: &ServedKind, keys: Vec<ResourceKey>) -> GroupResults {
        let mut tasks = JoinSet::new();
        for key in keys {
            let (this, kind) = (Arc::clone(this), kind.clone());
            tasks.spawn(async move {
                let read = this.object(&kind, &key).await;
                let forbidden = matches!(&read, Err(ApiFailure::Forbidden(_)));
                let answer = match read {
                    Ok(object) => {
                        Meter::of_process().objects(1);
                        ReadResult::Found(object)
                    }
                    Err(ApiFailure::NotFound) => ReadResult::Absent,
                    Err(failure) => ReadResult::Unread(failure.to_string()),
                };
                (key, answer, forbidden)
            });
        }
        let mut outcome = GroupResults::default();
        for (key, answer, forbidden) in tasks.join_all().await {
            outcome.forbidden |= forbidden;
            outcome.answers.insert(key, answer);
        }
        outcome
    }

    /// Requests objects again that a list lacks. The list has proven their absence, so only a
    /// response with an object changes the result.
    async fn confirm(
        this: &Arc<Self>,
        kind: &ServedKind,
        absent: Vec<ResourceKey>,
    ) -> GroupResults {
        let mut answers: BTreeMap<_, _> = absent
            .iter()
            .map(|key| (key.clone(), ReadResult::Absent))
            .collect();
        if absent.len() <= CONFIRM {
            let again = Self::objects(this, kind, absent).await.answers;
            let found =
                |(_, answer): &(ResourceKey, ReadResult)| matches!(answer, ReadResult::Found(_));
            answers.extend(again.into_iter().filter(found));
        }
        GroupResults {
            answers,
            ..GroupResults::default()
        }
    }

    /// Reads one object.
    pub async fn object(
        &self,
        kind: &ServedKind,
        key: &ResourceKey,
    ) -> Result<LiveObject, ApiFailure> {
        let namespace = key.namespace.as_deref();
        let request = ApiRequest::object(kind, namespace, &key.name)?;
        let check = |body: Vec<u8>| -> Result<LiveObject, ApiFailure> {
            let malformed = |what| ApiFailure::malformed(&kind.kind, what);
            let text = String::from_utf8(body).map_err(|_| malformed("it is not valid UTF-8"))?;
            is_object(&text, kind, key).map_err(malformed)?;
            Ok(LiveObject::new(key.clone(), &kind.api_version, text))
        };
        self.sender.checked(&request, check).await
    }

    /// Reads a list from its first page to its last, or until reading the remaining objects one by
    /// one is cheaper.
    async fn list(&self, group: &ReadGroup, reach: ReadExtent) -> Result<ListResult, ApiFailure> {
        let mut relists = 0;
        loop {
            match self.list_once(group, reach).await {
                Err(ApiFailure::Expired) if relists < RELISTS => relists += 1,
                result => return result,
            }
        }
    }

    async fn list_once(
        &self,
        group: &ReadGroup,
        reach: ReadExtent,
    ) -> Result<ListResult, ApiFailure> {
        let selection = Arc::new(selection(group));
        let mut listed = ListResult::default();
        let mut form = if group.wanted.is_empty() && !is_evidence(&group.kind) {
            ResponseForm::Metadata
        } else {
            ResponseForm::Json
        };
        let mut limit = group.first_page();
        let mut token: Option<String> = None;
        let mut tokens = HashSet::new();
        let mut version: Option<String> = None;
        loop {
            let page = self
                .page(group, &selection, form, limit, token.as_deref())
                .await?;
            // All pages of a list must be from one resource version. A server that mixes versions
            // could miss an object, or return it twice.
            if version.get_or_insert_with(|| page.resource_version.clone())
                != &page.resource_version
            {
                return Err(ApiFailure::Expired);
            }
            Meter::of_process().objects(page.found.len() + page.extra.len());
            listed.found.extend(page.found);
            listed.extra.extend(page.extra);
            listed.present.extend(page.present);
            let Some(next) = page.next else {
                listed.complete = true;
                return Ok(listed);
            };
            if !tokens.insert(next.clone()) {
                return Err(ApiFailure::malformed("list", "its pages do not end"));
            }
            let left = group.wanted.len() - listed.found.len().min(group.wanted.len());
            let may_stop = reach == ReadExtent::AsNeeded;
            if may_stop
                && group.extra_in.is_empty()
                && (left == 0 || ReadGroup::reads_are_cheaper(left, page.remaining))
            {
                return Ok(listed);
            }
            if may_stop
                && ReadGroup::reads_are_cheaper(left, page.remaining)
                && !is_evidence(&group.kind)
            {
                // Of the remaining pages only metadata is read; declared objects in them are read
                // one by one.
                form = ResponseForm::Metadata;
            }
            limit = PAGE;
            token = Some(next);
        }
    }

    async fn page(
        &self,
        group: &ReadGroup,
        selection: &Arc<ListSelection>,
        form: ResponseForm,
        limit: usize,
        token: Option<&str>,
    ) -> Result<ListPage, ApiFailure> {
        let request = ApiRequest::page(&group.kind, group.namespace(), form, limit, token)?;
        let receiver = || PageReceiver::new(Arc::clone(selection), form == ResponseForm::Metadata);
        self.sender.send(&request, receiver).await
    }
}

impl GroupResults {
    pub fn add(&mut self, other: Self) {
        self.answers.extend(other.answers);
        self.extra.extend(other.extra);
        self.extra_kinds.extend(other.extra_kinds);
        self.extra_unread.extend(other.extra_unread);
        for (place, rights) in other.extra_forbidden {
            self.extra_forbidden
                .entry(place)
                .or_default()
                .extend(rights);
        }
        self.warnings.extend(other.warnings);
        self.forbidden |= other.forbidden;
    }

    /// Records that a list could not be read, so that undeclared objects may be missed.
    fn no_extra(&mut self, group: &ReadGroup, failure: &ApiFailure) {
        if group.extra_in.is_empty() {
            return;
        }
        let kind = GroupKind::new(&group.kind.api_version, &group.kind.kind);
        let place = group.extra_in.to_string();
        self.extra_unread.insert(kind.to_string());
        if let ApiFailure::Forbidden(right) = failure {
            let rights = self.extra_forbidden.entry(place).or_default();
            rights.insert(right.clone());
            return;
        }
        self.warnings.push(Warning::error(
            place,
            format!("cannot search for undeclared objects of kind {kind}: {failure}"),
        ));
    }

    /// Returns a warning for each place with the kinds that may not be listed there: a role often
    /// lacks many kinds.
    pub fn forbidden_extra(&self) -> impl Iterator<Item = Warning> {
        self.extra_forbidden.iter().map(|(place, rights)| {
            Warning::error(
                place.clone(),
                format!(
                    "cannot search for undeclared objects of {}: {} is not allowed (driftctl \
                     doctor prints the missing Role)",
                    match rights.len() {
                        1 => "1 kind".to_owned(),
                        kinds => format!("{kinds} kinds"),
                    },
                    rights_in_words(rights).join(", and ")
                ),
            )
        })
    }
}

fn selection(group: &ReadGroup) -> ListSelection {
    let mut wanted: HashMap<String, HashSet<String>> = HashMap::new();
    for key in &group.wanted {
        let names = wanted
            .entry(key.namespace.clone().unwrap_or_default())
            .or_default();
        names.insert(key.name.clone());
    }
    ListSelection {
        kind: group.kind.clone(),
        namespace: group.namespace().map(str::to_owned),
        wanted,
        extra_in: group.extra_in.clone(),
    }
}

/// Returns whether a body is the requested object.
pub(super) fn is_object(
    text: &str,
    kind: &ServedKind,
    key: &ResourceKey,
) -> Result<(), &'static str> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct MetadataObject {
        api_version: String,
        kind: String,
        metadata: ItemMetadata,
    }
    #[derive(Deserialize)]
    struct ItemMetadata {
        name: String,
        namespace: Option<String>,
    }
    let object: MetadataObject =
        serde_json::from_str(text).map_err(|_| "it is not valid JSON, or not an object")?;
    let same = object.kind == kind.kind
        && object.api_version == kind.api_version
        && object.metadata.name == key.name
        && object.metadata.namespace.filter(|n| !n.is_empty()) == key.namespace;
    if same {
        Ok(())
    } else {
        Err("it is a different object")
    }
}
