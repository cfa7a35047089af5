//! A census as text: tables, the undeclared objects, and the share in one line.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::{CensusOptions, percent};
use crate::model::{Census, ClassifiedObject, GroupKind, ObjectClass, Tally};
use crate::output::paint::{Paint, StyledLine, ascii, width};
use crate::output::{RenderOptions, escape, words};

/// How many lines of a list are shown.
const MOST: usize = 20;

/// The columns of a table after its first.
const HEADS: [&str; 5] = ["DECLARED", "DERIVED", "ELSEWHERE", "UNDECLARED", "COVERAGE"];

/// Writes a census as text.
pub(super) fn write(
    census: &Census,
    asked: CensusOptions,
    options: &RenderOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let page = &mut CensusPage {
        options,
        out,
        is_begun: false,
    };
    for warning in &census.warnings {
        let (label, paint) = match warning.fatal {
            true => ("error: ", Paint::Bad),
            false => ("warning: ", Paint::Drift),
        };
        let mut text = StyledLine::default();
        if !warning.place.is_empty() {
            let place = format!("{}: ", warning.place);
            text.push(Paint::Bold, &place);
        }
        text.push(Paint::Plain, &warning.message);
        page.wrapped(StyledLine::of(paint, label), text)?;
    }
    let namespaces = census.by_namespace().into_iter();
    let namespaces = namespaces.map(|(namespace, tally)| match namespace {
        "" => ("(cluster)".to_owned(), tally),
        namespace => (namespace.to_owned(), tally),
    });
    page.table("NAMESPACE", namespaces.collect(), asked)?;
    kinds(page, census, asked)?;
    undeclared(page, census)?;
    elsewhere(page, census)?;
    orphans(page, census)?;
    summary(page, census, asked)
}

/// Writes the kinds with objects that are not declared here, and how many others there are.
fn kinds(page: &mut CensusPage<'_>, census: &Census, asked: CensusOptions) -> io::Result<()> {
    let by_kind = census.by_kind();
    let is_unique = |kind: &GroupKind| by_kind.keys().filter(|k| k.kind == kind.kind).count() == 1;
    let mut listed = Vec::new();
    let (mut whole, mut derived) = (0, 0);
    for (kind, tally) in &by_kind {
        let share = tally.share(false);
        match share.percent() {
            Some(percent) if percent < 100.0 || page.options.verbose => {
                let name = match is_unique(kind) {
                    true => kind.kind.clone(),
                    false => kind.to_string(),
                };
                listed.push((name, *tally));
            }
            Some(_) => whole += 1,
            None => derived += 1,
        }
    }
    listed.sort_by(|a, b| a.0.cmp(&b.0));
    page.table("KIND", listed, asked)?;
    let others = [
        (whole, "declared in full"),
        (derived, "with only derived or ignored objects"),
    ];
    let others = others.into_iter().filter(|(n, _)| *n > 0);
    let said: Vec<_> = others
        .map(|(n, what)| format!("{} {what}", words::count(n, "kind")))
        .collect();
    match said.is_empty() {
        true => Ok(()),
        false => page.line(&StyledLine::of(Paint::Dim, &said.join(", "))),
    }
}

fn of_class(census: &Census, class: ObjectClass) -> impl Iterator<Item = &ClassifiedObject> {
    let objects = census.objects.iter();
    objects.filter(move |object| object.class == class)
}

/// Writes the undeclared objects, the oldest first.
fn undeclared(page: &mut CensusPage<'_>, census: &Census) -> io::Result<()> {
    let mut objects: Vec<_> = of_class(census, ObjectClass::Undeclared).collect();
    objects.sort_by_key(|object| (object.created.is_none(), object.created, &object.key));
    let lines = objects.into_iter().map(|object| {
        let age = age(object.created, page.options);
        let by = object.creator.as_ref().map(|by| format!("by {by}"));
        let said = [age, by, object.why.clone()].into_iter().flatten();
        (object.key.to_string(), said.collect::<Vec<_>>().join(", "))
    });
    let lines: Vec<_> = lines.collect();
    page.list("undeclared", &lines)
}

/// Returns `created 3d ago`.
fn age(created: Option<jiff::Timestamp>, options: &RenderOptions) -> Option<String> {
    let created = created?.to_string();
    Some(format!(
        "created {}",
        words::relative_time(&created, options.now)
    ))
}

/// Writes the other deployers, and how many objects each declares.
fn elsewhere(page: &mut CensusPage<'_>, census: &Census) -> io::Result<()> {
    let mut by: BTreeMap<&str, usize> = BTreeMap::new();
    for object in of_class(census, ObjectClass::Elsewhere) {
        let why = object.why.as_deref().unwrap_or("unknown");
        *by.entry(why).or_default() += 1;
    }
    let by = by.into_iter();
    let lines: Vec<_> = by
        .map(|(why, n)| (why.to_owned(), words::count(n, "object")))
        .collect();
    page.list("declared elsewhere", &lines)
}

fn orphans(page: &mut CensusPage<'_>, census: &Census) -> io::Result<()> {
    let lines = census.orphans.iter().map(|orphan| {
        let objects = words::count(orphan.objects, "object");
        let age = age(orphan.created, page.options);
        let said = [age, Some(objects), Some(orphan.why.clone())];
        let said = said.into_iter().flatten().collect::<Vec<_>>().join(", ");
        (orphan.namespace.clone(), said)
    });
    let lines: Vec<_> = lines.collect();
    page.list("orphaned namespaces", &lines)
}

fn summary(page: &mut CensusPage<'_>, census: &Census, asked: CensusOptions) -> io::Result<()> {
    page.blank()?;
    let total = census.total();
    let share = total.share(asked.counts_elsewhere);
    let is_below = match (share.percent(), asked.least) {
        (Some(percent), Some(least)) => percent < least,
        _ => false,
    };
    let (word, paint) = match (census.is_incomplete(), is_below) {
        (true, _) => ("INCOMPLETE", Paint::Alarm),
        (false, true) => ("BELOW", Paint::Drift),
        (false, false) => ("COVERAGE", Paint::Good),
    };
    let least = asked.least.map(|least| format!(" {least}%"));
    let least = least.filter(|_| is_below).unwrap_or_default();
    let at_most = match census.is_at_most() {
        true => "at most ",
        false => "",
    };
    let mut line = StyledLine::of(paint, &format!("{word}{least}"));
    let figure = match share.percent() {
        Some(_) => format!("  {at_most}{}", percent(share.percent())),
        None => "  the cluster has no object that a manifest could declare".to_owned(),
    };
    line.push(Paint::Bold, &figure);
    if share.of > 0 {
        let elsewhere = match asked.counts_elsewhere {
            true => " here or elsewhere",
            false => "",
        };
        line.push(
            Paint::Plain,
            &format!(
                ": {} of {} declared{elsewhere}",
                share.declared,
                words::count(share.of, "object")
            ),
        );
    }
    page.line(&line)?;
    let mut more = vec![format!(
        "{} derived, {} ignored; {} of the fields of declared objects are declared",
        total.of(ObjectClass::Derived),
        total.of(ObjectClass::Ignored),
        percent(census.fields.percent())
    )];
    if census.missing + census.unknown > 0 {
        more.push(format!(
            "{} not live, {} not read",
            words::count(census.missing, "declared object"),
            census.unknown
        ));
    }
    more.push(format!("{} listed", words::count(census.kinds, "kind")));
    if !census.unlisted.is_empty() {
        let unlisted = census.unlisted.join(", ");
        more.push(format!("not listed in full: {unlisted}"));
    }
    for text in more {
        page.wrapped(
            StyledLine::of(Paint::Plain, "  "),
            StyledLine::of(Paint::Plain, &text),
        )?;
    }
    Ok(())
}

/// The writer, with the options.
struct CensusPage<'p> {
    options: &'p RenderOptions,
    out: &'p mut dyn Write,
    is_begun: bool,
}

impl CensusPage<'_> {
    fn line(&mut self, line: &StyledLine) -> io::Result<()> {
        self.is_begun = true;
        let text = line.render(self.options.colour);
        let text = if self.options.ascii {
            ascii(&text)
        } else {
            text
        };
        writeln!(self.out, "{}", text.trim_end_matches(' '))
    }

    /// Writes an empty line between two sections.
    fn blank(&mut self) -> io::Result<()> {
        match self.is_begun {
            true => writeln!(self.out),
            false => Ok(()),
        }
    }

    fn wrapped(&mut self, first: StyledLine, text: StyledLine) -> io::Result<()> {
        let indent = 2;
        let columns = self.options.width.saturating_sub(first.width().max(indent));
        let mut first = Some(first);
        for part in text.wrap(columns) {
            let mut line = first.take().unwrap_or_else(|| {
                let mut line = StyledLine::default();
                line.pad_to(indent);
                line
            });
            self.line(line.append(part))?;
        }
        Ok(())
    }

    fn table(
        &mut self,
        head: &str,
        rows: Vec<(String, Tally)>,
        asked: CensusOptions,
    ) -> io::Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        self.blank()?;
        let rows: Vec<(String, Tally)> = rows
            .into_iter()
            .map(|(name, tally)| (escape::line(&name).into_owned(), tally))
            .collect();
        let names = rows.iter().map(|(name, _)| width(name));
        let figures: usize = HEADS.iter().map(|head| head.len() + 2).sum();
        let room = self.options.width.saturating_sub(figures).max(head.len());
        let first = names.chain([head.len()]).max().unwrap_or(0).min(room);
        let mut line = StyledLine::of(Paint::Dim, head);
        for (at, head) in HEADS.iter().enumerate() {
            line.pad_to(first + column(at) - head.len());
            line.push(Paint::Dim, head);
        }
        self.line(&line)?;
        for (name, tally) in rows {
            let mut line = StyledLine::of(Paint::Bold, &name).cut(first);
            let undeclared = tally.of(ObjectClass::Undeclared);
            let cells = [
                (Paint::Plain, tally.of(ObjectClass::Declared).to_string()),
                (Paint::Dim, tally.of(ObjectClass::Derived).to_string()),
                (Paint::Plain, tally.of(ObjectClass::Elsewhere).to_string()),
                (
                    if undeclared > 0 {
                        Paint::Drift
                    } else {
                        Paint::Plain
                    },
                    undeclared.to_string(),
                ),
                (
                    Paint::Plain,
                    percent(tally.share(asked.counts_elsewhere).percent()),
                ),
            ];
            for (at, (paint, text)) in cells.into_iter().enumerate() {
                line.pad_to((first + column(at)).saturating_sub(text.len()));
                line.push(paint, &text);
            }
            self.line(&line)?;
        }
        Ok(())
    }

    /// Writes names with a text for each.
    fn list(&mut self, head: &str, rows: &[(String, String)]) -> io::Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        self.blank()?;
        self.line(&StyledLine::of(Paint::Bold, head))?;
        let most = if self.options.verbose {
            usize::MAX
        } else {
            MOST
        };
        for (name, said) in rows.iter().take(most) {
            let mut first = StyledLine::of(Paint::Plain, &format!("  {name}  "));
            let said = StyledLine::of(Paint::Dim, said);
            if first.width() + said.width() > self.options.width {
                self.line(&first)?;
                first = StyledLine::of(Paint::Plain, "    ");
            }
            self.wrapped(first, said)?;
        }
        let rest = rows.len().saturating_sub(most);
        if rest > 0 {
            let text = format!("  and {rest} more (-v or -o json lists them)");
            self.line(&StyledLine::of(Paint::Dim, &text))?;
        }
        Ok(())
    }
}

/// Returns where a column after the first ends, counted from the end of the first.
fn column(at: usize) -> usize {
    HEADS.iter().take(at + 1).map(|head| head.len() + 2).sum()
}
