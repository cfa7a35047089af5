//! Writes a policy that refuses a live change the next time.
//!
//! [`rule()`] writes the expression, [`Guard`] the policy around it, and [`prove()`] evaluates it.
//! A policy that fails its proof is not printed.

mod forms;
mod place;
mod prove;
#[cfg(test)]
mod tests;

use serde_json::Value;

pub use prove::{GuardProof, ProofCase, prove};

use crate::model::{Change, ChangeKind, FieldPath, PathElement, ResourceKey};
use crate::policy::registry;
use crate::schema::Quantity;
use place::{for_every_value, is_one_of, literal, some, text, value, variable};
use strum::{IntoStaticStr, VariantArray};

/// The user name of the autoscaler.
pub const AUTOSCALER: &str = "system:serviceaccount:kube-system:horizontal-pod-autoscaler";

/// Fields that restrict a pod: they are required to have the declared value.
const SECURITY: [&str; 10] = [
    "runAsNonRoot",
    "readOnlyRootFilesystem",
    "allowPrivilegeEscalation",
    "privileged",
    "hostNetwork",
    "hostPID",
    "hostIPC",
    "hostUsers",
    "automountServiceAccountToken",
    "type",
];

/// Maps whose keys people choose and no controller adds to.
const MAPS: [&str; 8] = [
    "data",
    "binaryData",
    "nodeSelector",
    "matchLabels",
    "selector",
    "limits",
    "requests",
    "hard",
];

/// The requirement of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum GuardForm {
    /// A field keeps its value.
    Lock,
    /// A list or map contains only what is declared.
    Closed,
    /// A number has an upper bound.
    Max,
    /// A number has a lower bound.
    Min,
    /// A field is set.
    Require,
    /// Images come from the declared registries.
    Origin,
}

impl GuardForm {
    /// Returns the word for the command line and for names of policies.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns whether the rule also stops the deployer from deploying something else, unless it is
    /// exempt.
    pub fn binds_the_deployer(self) -> bool {
        !matches!(self, Self::Require | Self::Origin)
    }
}

/// The change to prevent, and the form of the rule.
#[derive(Debug, Clone, Copy)]
pub struct GuardRequest<'a> {
    /// The live change.
    pub change: &'a Change,
    /// The object without the change.
    pub before: &'a Value,
    /// The form, if the user named one.
    pub form: Option<GuardForm>,
    /// The bound, if the user set one.
    pub bound: Option<&'a str>,
    /// Whether anyone may restore the declared value.
    pub allow_declared: bool,
    /// Where it is declared: `deploy/cart.yaml:15`.
    pub place: &'a str,
}

/// One rule of a guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardRule {
    /// The requirement.
    pub form: GuardForm,
    /// The field that it guards.
    pub path: FieldPath,
    /// The expression, which is false for a violation.
    pub expression: String,
    /// The message for a violation.
    pub message: String,
}

impl GuardRule {
    /// Returns whether the field is also written through the subresource `scale`.
    pub fn is_scaled(&self) -> bool {
        self.path == FieldPath::of_fields(&["spec", "replicas"])
    }
}

/// The objects of the kind that a guard covers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum GuardedObjects {
    /// The object that drifted.
    #[default]
    Object,
    /// All in its namespace.
    Namespace,
    /// All in the cluster.
    Cluster,
}

/// Everything about a policy except its rules.
#[derive(Debug, Clone)]
pub struct Guard {
    /// The name of the policy.
    pub name: String,
    /// The object that it guards.
    pub key: ResourceKey,
    /// Whether it guards others of the kind as well.
    pub scope: GuardedObjects,
    /// Its version.
    pub api_version: String,
    /// Its resource.
    pub plural: String,
    /// The requirement.
    pub rules: Vec<GuardRule>,
    /// The exempt users.
    pub users: Vec<String>,
    /// The groups whose members are exempt.
    pub groups: Vec<String>,
    /// Whether it denies, instead of only warning and auditing.
    pub enforces: bool,
    /// Whether everyone may restore the declared value.
    pub allows_declared: bool,
}

impl Guard {
    /// Returns the name of the only object that it guards.
    pub fn only_name(&self) -> Option<&str> {
        (self.scope == GuardedObjects::Object).then_some(self.key.name.as_str())
    }

    /// Returns the only namespace in which it guards objects.
    pub fn only_namespace(&self) -> Option<&str> {
        let namespace = self.key.namespace.as_deref();
        namespace.filter(|_| self.scope != GuardedObjects::Cluster)
    }

    /// Returns the operations that it matches: a locked field has to exist before.
    pub fn operations(&self) -> &'static [&'static str] {
        match self.rules.iter().any(|rule| rule.form == GuardForm::Lock) {
            true => &["UPDATE"],
            false => &["CREATE", "UPDATE"],
        }
    }

    /// Returns whether the policy matches writes through the subresource `scale`.
    pub fn is_scaled(&self) -> bool {
        self.rules.iter().any(GuardRule::is_scaled)
    }
}

/// Writes the rule against a change.
///
/// # Errors
/// Returns why no rule can guard the change.
pub fn rule(wanted: GuardRequest<'_>) -> Result<GuardRule, String> {
    let form = wanted.form.unwrap_or_else(|| choose(wanted.change));
    let path = place::identifiable(&wanted.change.path);
    let Some((last, parent)) = path.0.split_last() else {
        return Err("its path is not a field".to_owned());
    };
    const BY_CONTROLLERS: [&str; 2] = ["finalizers", "ownerReferences"];
    if let [PathElement::Field(metadata), PathElement::Field(field), ..] = &path.0[..]
        && metadata == "metadata"
        && BY_CONTROLLERS.contains(&field.as_str())
    {
        return Err(format!(
            "controllers write .metadata.{field}, and the policy would stop them"
        ));
    }
    let made = match form {
        GuardForm::Lock => lock(wanted, &path),
        GuardForm::Closed => closed(wanted, last, parent)?,
        GuardForm::Max | GuardForm::Min => bounded(wanted, form, &path)?,
        GuardForm::Require => require(wanted, &path)?,
        GuardForm::Origin => origin(wanted, last, parent)?,
    };
    let (expression, message) = made;
    Ok(GuardRule {
        form,
        path,
        expression,
        message,
    })
}

/// Returns the form that fits a change.
fn choose(change: &Change) -> GuardForm {
    let (last, parent) = match change.path.0.split_last() {
        Some(split) => split,
        None => return GuardForm::Lock,
    };
    let texts = |of: &Option<Value>| of.as_ref().and_then(Value::as_str).map(str::to_owned);
    if let (PathElement::Field(name), Some(declared), Some(live)) =
        (last, texts(&change.declared), texts(&change.live))
        && name == "image"
        && registry(&declared) != registry(&live)
    {
        return GuardForm::Origin;
    }
    match change.kind {
        ChangeKind::Removed => GuardForm::Require,
        ChangeKind::Added => {
            let is_map = parent.len() > 1
                && matches!(parent.last(), Some(PathElement::Field(map)) if MAPS.contains(&map.as_str()))
                || matches!(parent, [PathElement::Field(map)] if MAPS.contains(&map.as_str()));
            match last {
                PathElement::Key(_) | PathElement::Value(_) => GuardForm::Closed,
                PathElement::Field(_) if is_map => GuardForm::Closed,
                _ => GuardForm::Lock,
            }
        }
        ChangeKind::Modified => match numbers(change) {
            Some((declared, live)) if live > declared => GuardForm::Max,
            Some(_) => GuardForm::Min,
            None => GuardForm::Lock,
        },
    }
}

/// Returns both sides of a change as numbers, if they are numbers.
fn numbers(change: &Change) -> Option<(Quantity, Quantity)> {
    let number = |value: &Value| match value {
        Value::Number(number) => Quantity::parse(&number.to_string()),
        Value::String(text) if is_amount(&change.path) => Quantity::parse_exact(text),
        _ => None,
    };
    Some((
        number(change.declared.as_ref()?)?,
        number(change.live.as_ref()?)?,
    ))
}

/// Returns whether a field holds a quantity.
fn is_amount(path: &FieldPath) -> bool {
    let is_list = |name: &str| {
        matches!(
            name,
            "limits" | "requests" | "hard" | "capacity" | "sizeLimit" | "min" | "max"
        )
    };
    let mut last = path.0.iter().rev().take(2);
    last.any(|element| matches!(element, PathElement::Field(name) if is_list(name)))
}

type GuardResult = (String, String);

fn lock(wanted: GuardRequest<'_>, path: &FieldPath) -> GuardResult {
    let now = value("object", &path.0);
    let mut expression = format!("{now} == {}", value("oldObject", &path.0));
    if wanted.allow_declared {
        let declared = declared_value(wanted.before, path);
        expression = format!("{expression} || {now} == {declared}");
    }
    let message = format!("{path} is declared in {}; change it there", wanted.place);
    (expression, message)
}

/// Returns the literal that equals what [`value`] returns for an object.
fn declared_value(before: &Value, path: &FieldPath) -> String {
    fn descend(value: Option<&Value>, path: &[PathElement]) -> String {
        let Some((first, rest)) = path.split_first() else {
            return match value.filter(|value| !value.is_null()) {
                Some(value) => format!("optional.of({})", literal(value)),
                None => "optional.none()".to_owned(),
            };
        };
        if let PathElement::Field(name) = first {
            return descend(value.and_then(|value| value.get(name)), rest);
        }
        let items = value.and_then(Value::as_array).into_iter().flatten();
        let matching = items.filter(|item| is_named_by(item, first));
        let each = matching.map(|item| match rest.is_empty() {
            true => literal(item),
            false => descend(Some(item), rest),
        });
        format!("[{}]", each.collect::<Vec<_>>().join(", "))
    }
    descend(Some(before), &path.0)
}

fn is_named_by(item: &Value, element: &PathElement) -> bool {
    match element {
        PathElement::Key(keys) => keys
            .iter()
            .all(|(name, value)| item.get(name) == Some(value)),
        PathElement::Value(value) => item == value,
        PathElement::Field(_) | PathElement::Index(_) => false,
    }
}

/// Returns the values at a path, through the items that it names.
fn found<'v>(value: &'v Value, path: &[PathElement]) -> Vec<&'v Value> {
    path.iter().fold(vec![value], |values, element| {
        let below = values.into_iter().flat_map(|value| match element {
            PathElement::Field(name) => value.get(name).into_iter().collect::<Vec<_>>(),
            element => {
                let items = value.as_array().into_iter().flatten();
                items.filter(|item| is_named_by(item, element)).collect()
            }
        });
        below.collect()
    })
}

fn closed(
    wanted: GuardRequest<'_>,
    last: &PathElement,
    parent: &[PathElement],
) -> Result<GuardResult, String> {
    let of_metadata = matches!(parent, [PathElement::Field(first), ..] if first == "metadata");
    if of_metadata {
        return Err("controllers add labels and annotations, too; use --lock".to_owned());
    }
    if !matches!(parent.last(), Some(PathElement::Field(_))) {
        return Err("it is not an item of a list or map; use --lock".to_owned());
    }
    let mut declared: Vec<PathElement> = Vec::new();
    for value in found(wanted.before, parent) {
        match (last, value) {
            (PathElement::Field(_), Value::Object(fields)) => {
                declared.extend(fields.keys().map(|name| PathElement::Field(name.clone())));
            }
            (PathElement::Key(keys), Value::Array(items)) => {
                declared.extend(items.iter().map(|item| {
                    let of = |name: &String| item.get(name).map(|v| (name.clone(), v.clone()));
                    PathElement::Key(keys.keys().filter_map(of).collect())
                }));
            }
            (PathElement::Value(_), Value::Array(items)) => {
                declared.extend(items.iter().map(|item| PathElement::Value(item.clone())));
            }
            _ => return Err("it is not an item of a list or map; use --lock".to_owned()),
        }
    }
    let none = match last {
        PathElement::Field(_) => "{}",
        _ => "[]",
    };
    let expression = for_every_value("object", parent, &|chain| {
        let name = variable(chain.split(['.', '[']).next().unwrap_or(chain));
        let only = match declared.is_empty() {
            true => return format!("{chain}.orValue({none}).size() == 0"),
            false => is_one_of(&name, &declared),
        };
        format!("{chain}.orValue({none}).all({name}, {only})")
    });
    let parent = FieldPath(parent.to_vec());
    let message = format!(
        "only what {} declares may be in {parent}; add it there",
        wanted.place
    );
    Ok((expression, message))
}

fn bounded(
    wanted: GuardRequest<'_>,
    form: GuardForm,
    path: &FieldPath,
) -> Result<GuardResult, String> {
    let change = wanted.change;
    let declared = match (wanted.bound, &change.declared) {
        (Some(bound), _) => bound.to_owned(),
        (None, Some(Value::Number(number))) => number.to_string(),
        (None, Some(Value::String(text))) => text.clone(),
        _ => return Err("the manifest declares no number; set the limit with --max=N".to_owned()),
    };
    let bound =
        Quantity::parse_exact(&declared).ok_or_else(|| format!("{declared} is not a number"))?;
    let is_number = |value: &Option<Value>| matches!(value, Some(Value::Number(_)));
    let is_plain = is_number(&change.live) || is_number(&change.declared);
    if !is_plain && (!is_amount(path) || numbers_or_live(change).is_none()) {
        return Err("its value is not a number; use --lock".to_owned());
    }
    if is_plain && bound.to_integer().is_none() {
        return Err(format!("{declared} is not a whole number"));
    }
    let (sign, word) = match form {
        GuardForm::Min => (">=", "at least"),
        _ => ("<=", "at most"),
    };
    // Removing a limit removes the bound.
    let is_missing_allowed = form == GuardForm::Max && is_plain;
    let expression = for_every_value("object", &path.0, &|chain| {
        let bounded = match is_plain {
            true => format!("{chain}.orValue({declared}) {sign} {declared}"),
            false => format!(
                "quantity(string({chain}.orValue({}))).compareTo(quantity({})) {sign} 0",
                text(&declared),
                text(&declared)
            ),
        };
        match is_missing_allowed {
            true => bounded,
            false => format!("{chain}.hasValue() && {bounded}"),
        }
    });
    Ok((expression, format!("{path} must be {word} {declared}")))
}

/// Returns the live number if nothing is declared.
fn numbers_or_live(change: &Change) -> Option<Quantity> {
    let live = change.live.as_ref().or(change.declared.as_ref())?;
    live.as_str().and_then(Quantity::parse_exact)
}

fn require(wanted: GuardRequest<'_>, path: &FieldPath) -> Result<GuardResult, String> {
    let change = wanted.change;
    if change.kind == ChangeKind::Added {
        return Err("it is not declared, so it cannot be required; use --lock".to_owned());
    }
    let Some(last) = path.0.last() else {
        return Err("its path is not a field".to_owned());
    };
    let constant = match (last, &change.declared) {
        (PathElement::Field(name), Some(value @ (Value::Bool(_) | Value::String(_))))
            if SECURITY.contains(&name.as_str()) =>
        {
            Some(value)
        }
        _ => None,
    };
    if change.kind == ChangeKind::Modified && constant.is_none() {
        return Err("the field still exists, with another value; use --lock".to_owned());
    }
    let expression = some("object", &path.0, &|chain| match constant {
        Some(value) => format!("{chain} == optional.of({})", literal(value)),
        None => format!("{chain}.hasValue()"),
    });
    let message = match constant {
        Some(value) => format!("{path} must be {value}"),
        None => format!("{path} must be set"),
    };
    Ok((expression, message))
}

fn origin(
    wanted: GuardRequest<'_>,
    last: &PathElement,
    parent: &[PathElement],
) -> Result<GuardResult, String> {
    let is_image = matches!(last, PathElement::Field(name) if name == "image");
    let Some((PathElement::Key(_), list)) = parent.split_last().filter(|_| is_image) else {
        return Err("the field is not a container image; use --lock".to_owned());
    };
    let mut registries: Vec<&str> = Vec::new();
    for items in found(wanted.before, list) {
        let items = items.as_array().into_iter().flatten();
        let images = items.filter_map(|item| item.get("image")?.as_str());
        registries.extend(images.map(registry));
    }
    registries.sort_unstable();
    registries.dedup();
    let is_from = |image: &str| -> String {
        let each = registries.iter().map(|one| match *one {
            "docker.io" => format!(
                "!{image}.matches('^([^/]*[.:][^/]*|localhost)/') || \
                 {image}.matches('^(index[.])?docker[.]io/')"
            ),
            one => format!("{image}.startsWith({})", text(&format!("{one}/"))),
        });
        each.collect::<Vec<_>>().join(" || ")
    };
    let expression = for_every_value("object", list, &|chain| {
        let name = variable(chain.split(['.', '[']).next().unwrap_or(chain));
        let image = format!("{name}.?image.orValue('')");
        format!("{chain}.orValue([]).all({name}, {})", is_from(&image))
    });
    let message = format!(
        "images in {} must come from {}",
        FieldPath(list.to_vec()),
        registries.join(", ")
    );
    Ok((expression, message))
}
