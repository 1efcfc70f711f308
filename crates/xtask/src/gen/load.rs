//! Reads models, overlays, IAM actions and lists of built operations, and checks that they fit together.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::model::Model;
use super::names::{self, ShapeNames};
use crate::failure::{Failure, Outcome};

/// All that the generator knows of one service.
#[derive(Debug)]
pub struct Service {
    /// The model's file name: `cognito-idp`.
    pub id: String,
    /// The module's name: `cognito_idp`.
    pub module: String,
    pub model: Model,
    /// Built operations.
    pub built: BTreeSet<String>,
    /// IAM actions by operation; an operation without an entry is for the account root alone.
    pub actions: BTreeMap<String, Actions>,
    /// Rust names of the shapes.
    pub names: ShapeNames,
}

/// The IAM actions an operation needs.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Actions {
    Always(Vec<String>),
    Mixed {
        always: Vec<String>,
        #[serde(rename = "byContent")]
        by_content: Vec<String>,
    },
}

/// Reads every service under `models/`, sorted by id.
pub fn services(models: &Path) -> Outcome<Vec<Service>> {
    let mut ids = Vec::new();
    for entry in fs::read_dir(models).map_err(|error| Failure::file(models, error))? {
        let path = entry.map_err(|error| Failure::file(models, error))?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            ids.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    ids.sort();
    ids.iter().map(|id| service(models, id)).collect()
}

fn service(models: &Path, id: &str) -> Outcome<Service> {
    let file = models.join(format!("{id}.json"));
    let mut document = read_json(&file)?;
    let overlay = models.join("overlay").join(format!("{id}.json"));
    merge_overlay(&mut document, read_json(&overlay)?)?;
    let model: Model = serde_json::from_value(document).map_err(|error| Failure::file(&file, error))?;
    check_references(&model, id)?;
    let built = built_operations(&models.join("built").join(format!("{id}.txt")), &model)?;
    let actions = actions(&models.join("authz").join("operations.json"), id)?;
    let names = ShapeNames::of(&model);
    Ok(Service { id: id.to_owned(), module: names::module(id), model, built, actions, names })
}

fn read_json(path: &Path) -> Outcome<Value> {
    let text = fs::read_to_string(path).map_err(|error| Failure::file(path, error))?;
    serde_json::from_str(&text).map_err(|error| Failure::file(path, error))
}

/// Lays an overlay over a model.
fn merge_overlay(document: &mut Value, overlay: Value) -> Outcome<()> {
    let Value::Object(sections) = overlay else { return Err(Failure::new("an overlay is an object")) };
    for (section, mut content) in sections {
        if section == "service" {
            merge(&mut document["metadata"], corrections("service", &mut content)?);
            continue;
        }
        let Value::Object(entries) = content else { return Err(Failure::new(format!("{section} is an object"))) };
        for (name, mut entry) in entries {
            let corrections = corrections(&format!("{section}.{name}"), &mut entry)?;
            merge(&mut document[section.as_str()][name.as_str()], corrections);
        }
    }
    Ok(())
}

/// What an entry of an overlay sets.
fn corrections(name: &str, entry: &mut Value) -> Outcome<Value> {
    if entry["reason"].as_str().is_none_or(str::is_empty) {
        return Err(Failure::new(format!("overlay entry {name} has no reason")));
    }
    Ok(entry["set"].take())
}

/// Objects are merged, anything else is replaced.
fn merge(target: &mut Value, source: Value) {
    match (target, source) {
        (Value::Object(target), Value::Object(source)) => {
            for (key, value) in source {
                merge(target.entry(key).or_insert(Value::Null), value);
            }
        }
        (target, source) => *target = source,
    }
}

fn check_references(model: &Model, id: &str) -> Outcome<()> {
    let roots = model.operations.values().flat_map(|operation| {
        let inputs = operation.input.iter().chain(operation.output.iter()).map(|root| &root.shape);
        inputs.chain(&operation.errors)
    });
    let references = model.shapes.values().flat_map(|shape| shape.references()).map(|reference| &reference.shape);
    for name in roots.chain(references) {
        if !model.shapes.contains_key(name) {
            return Err(Failure::new(format!("{id}: no shape {name}")));
        }
    }
    Ok(())
}

fn built_operations(path: &Path, model: &Model) -> Outcome<BTreeSet<String>> {
    if !path.exists() {
        return Ok(BTreeSet::new());
    }
    let text = fs::read_to_string(path).map_err(|error| Failure::file(path, error))?;
    let built: BTreeSet<String> = text.lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned).collect();
    for name in &built {
        if model.operations.get(name).is_none_or(|operation| operation.part.is_some()) {
            return Err(Failure::file(path, format!("the model has no operation {name}")));
        }
    }
    Ok(built)
}

fn actions(path: &Path, id: &str) -> Outcome<BTreeMap<String, Actions>> {
    let mut document = read_json(path)?;
    serde_json::from_value(document[id].take()).map_err(|error| Failure::file(path, format!("{id}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_overlay_adds_and_replaces() {
        let mut document = json!({"metadata": {"protocols": ["json"]}, "operations": {},
            "shapes": {"Answer": {"type": "structure", "members": {"First": {"shape": "Text"}}}}});
        let overlay = json!({
            "service": {"reason": "r", "set": {"protocols": ["json", "query"], "errorNamespace": "n"}},
            "shapes": {"Answer": {"reason": "r", "set": {"members": {"First": {"queryName": "One"}}}}}});
        merge_overlay(&mut document, overlay).expect("it is well-formed");
        assert_eq!(document["metadata"]["protocols"], json!(["json", "query"]));
        assert_eq!(document["metadata"]["errorNamespace"], "n");
        let member = &document["shapes"]["Answer"]["members"]["First"];
        assert_eq!(*member, json!({"shape": "Text", "queryName": "One"}));
    }

    #[test]
    fn an_overlay_entry_without_a_reason_is_refused() {
        let mut document = json!({"shapes": {}});
        let overlay = json!({"shapes": {"Answer": {"set": {"union": true}}}});
        assert!(merge_overlay(&mut document, overlay).is_err());
    }
}
