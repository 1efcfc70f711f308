//! What callers need to be allowed for each operation, and on what conditions (Developer Guide, "Using IAM policy
//! conditions for fine-grained access control").

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use api::dynamodb::{self as tables, AttributeValue, TransactWriteItem};
use api::dynamodbstreams as streams;
use platform::guard::FactsFuture;
use platform::{Ctx, Facts, Guard, Need};
use wire::codec::Structure;

use crate::expression::condition::{self, Use};
use crate::expression::key_condition::{self, Operator};
use crate::expression::{Context, projection, update};
use crate::names::{Resource, TableName};
use crate::partiql;
use crate::partiql::statement::Statement;
use crate::service::DynamoDb;
use crate::value::{Answer, Wording};

/// The guard of tables and of their streams.
pub struct TableGuard(pub Arc<DynamoDb>);

/// In front of the name of an attribute that may be the partition key: which one it is depends on the table, and only
/// [`Guard::facts`] may look. No policy of AWS's knows such a key.
const CANDIDATE: &str = "traca:leading-key/";
const LEADING_KEYS: &str = "dynamodb:LeadingKeys";
const ATTRIBUTES: &str = "dynamodb:Attributes";
const ENCLOSING: &str = "dynamodb:EnclosingOperation";
/// Set by [`Guard::needs`] for every `SELECT`; what is true of it depends on the table.
const FULL_TABLE_SCAN: &str = "dynamodb:FullTableScan";

impl Guard for TableGuard {
    fn needs(&self, cx: &Ctx, input: &dyn Structure) -> Vec<Need> {
        let any: &dyn Any = input;
        item_needs(cx, any)
            .or_else(|| read_needs(cx, any))
            .or_else(|| batch_needs(cx, any))
            .or_else(|| statement_needs(cx, any))
            .or_else(|| table_needs(cx, any))
            .or_else(|| backup_needs(cx, any))
            .or_else(|| transfer_needs(cx, any))
            .or_else(|| stream_needs(any))
            .unwrap_or_default()
    }

    fn facts<'a>(&'a self, _cx: &'a Ctx, need: &'a Need) -> FactsFuture<'a> {
        Box::pin(async move {
            let (name, of_stream) = match Resource::parse(&need.resource) {
                Some(Resource::Table(name)) => (name, false),
                Some(Resource::Stream(name, _)) => (name, true),
                _ => match index_table(&need.resource) {
                    Some(name) => (name, false),
                    None => return Ok(Facts::default()),
                },
            };
            let snapshot = self.0.snapshot(&name.partition()).await?;
            let Some(table) = self.0.table_in(&snapshot, &name).await? else { return Ok(Facts::default()) };
            let policy = if of_stream { &table.stream_policy } else { &table.policy };
            let mut facts = Facts {
                policy: policy.as_ref().map(|policy| Arc::from(policy.text.as_str())),
                tags: table.tags.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
                ..Facts::default()
            };
            let index = need.resource.rsplit_once("/index/").and_then(|(_, index)| table.index(index));
            let key = index.map_or(&table.key, |(index, _)| &index.key);
            let wanted = key.hash.first().map(|attribute| format!("{CANDIDATE}{}", attribute.name));
            let leading = need.context.iter().find(|(key, _)| Some(key) == wanted.as_ref());
            if need.context.iter().any(|(key, _)| key == FULL_TABLE_SCAN) {
                facts.context.push((FULL_TABLE_SCAN.to_owned(), vec![leading.is_none().to_string()]));
            }
            facts.context.extend(leading.map(|(_, values)| (LEADING_KEYS.to_owned(), values.clone())));
            Ok(facts)
        })
    }
}

/// The table of an index's ARN.
fn index_table(arn: &str) -> Option<TableName> {
    let (table, _) = arn.rsplit_once("/index/")?;
    match Resource::parse(table)? {
        Resource::Table(name) => Some(name),
        _ => None,
    }
}

/// ARN of the table a parameter names; `*` if it names none.
fn arn(cx: &Ctx, given: &str) -> String {
    TableName::new(cx, given).map_or_else(|_| "*".to_owned(), |name| name.arn())
}

/// ARN of a table or of one of its indexes.
fn source_arn(cx: &Ctx, table: &str, index: Option<&str>) -> String {
    let table = arn(cx, table);
    match index {
        Some(index) if table != "*" => format!("{table}/index/{index}"),
        _ => table,
    }
}

/// Collects the conditions of one need.
struct Conditions {
    need: Need,
    candidates: BTreeMap<String, Vec<String>>,
    attributes: Vec<String>,
}

impl Conditions {
    fn new(action: &'static str, resource: String) -> Conditions {
        Conditions { need: Need::new(action, resource), candidates: BTreeMap::new(), attributes: Vec::new() }
    }

    /// A key or an item: its scalars may be the partition key, and all its attributes are asked for.
    fn item(mut self, item: &Answer) -> Conditions {
        for (name, value) in item {
            if let AttributeValue::S(text) | AttributeValue::N(text) = value {
                self.candidates.entry(name.clone()).or_default().push(text.clone());
            }
        }
        self.attributes(item.keys().cloned())
    }

    fn attributes(mut self, names: impl IntoIterator<Item = String>) -> Conditions {
        for name in names {
            if !self.attributes.contains(&name) {
                self.attributes.push(name);
            }
        }
        self
    }

    fn value(mut self, key: &str, value: Option<&str>) -> Conditions {
        if let Some(value) = value {
            self.need = self.need.with(key, vec![value.to_owned()]);
        }
        self
    }

    fn returned(self, values: Option<&str>, capacity: Option<&str>) -> Conditions {
        self.value("dynamodb:ReturnValues", values).value("dynamodb:ReturnConsumedCapacity", capacity)
    }

    /// Attributes that an expression names; one that does not parse will be refused by the handler.
    fn condition(self, used_as: Use, text: Option<&str>, context: &Context) -> Conditions {
        let parsed = text.and_then(|text| condition::parse(used_as, text, context).ok());
        let heads: Vec<String> =
            parsed.iter().flat_map(|condition| condition.paths()).map(|path| path.head().to_owned()).collect();
        self.attributes(heads)
    }

    fn projection(self, text: Option<&str>, context: &Context) -> Conditions {
        let parsed = text.and_then(|text| projection::parse(text, context).ok());
        let heads: Vec<String> = parsed.iter().flatten().map(|path| path.head().to_owned()).collect();
        self.attributes(heads)
    }

    fn update(self, text: Option<&str>, context: &Context) -> Conditions {
        let parsed = text.and_then(|text| update::parse(text, context).ok());
        let changes = parsed.iter().flat_map(|update| &update.changes);
        let heads: Vec<String> = changes.map(|change| change.path.head().to_owned()).collect();
        self.attributes(heads)
    }

    fn done(self) -> Need {
        let Conditions { mut need, candidates, attributes } = self;
        for (name, values) in candidates {
            need = need.with(format!("{CANDIDATE}{name}"), values);
        }
        if attributes.is_empty() { need } else { need.with(ATTRIBUTES, attributes) }
    }
}

fn context(names: &Option<BTreeMap<String, String>>, values: &Option<Answer>) -> Context {
    Context::new(names.clone(), values.clone(), Wording::Current).unwrap_or_default()
}

fn item_needs(cx: &Ctx, input: &dyn Any) -> Option<Vec<Need>> {
    let need = if let Some(put) = input.downcast_ref::<tables::PutItemInput>() {
        let context = context(&put.expression_attribute_names, &put.expression_attribute_values);
        Conditions::new("dynamodb:PutItem", arn(cx, &put.table_name))
            .item(&put.item)
            .attributes(put.expected.iter().flat_map(BTreeMap::keys).cloned())
            .condition(Use::Condition, put.condition_expression.as_deref(), &context)
            .returned(put.return_values.as_deref(), put.return_consumed_capacity.as_deref())
    } else if let Some(get) = input.downcast_ref::<tables::GetItemInput>() {
        let context = context(&get.expression_attribute_names, &None);
        Conditions::new("dynamodb:GetItem", arn(cx, &get.table_name))
            .item(&get.key)
            .attributes(get.attributes_to_get.iter().flatten().cloned())
            .projection(get.projection_expression.as_deref(), &context)
            .returned(None, get.return_consumed_capacity.as_deref())
    } else if let Some(delete) = input.downcast_ref::<tables::DeleteItemInput>() {
        let context = context(&delete.expression_attribute_names, &delete.expression_attribute_values);
        Conditions::new("dynamodb:DeleteItem", arn(cx, &delete.table_name))
            .item(&delete.key)
            .attributes(delete.expected.iter().flat_map(BTreeMap::keys).cloned())
            .condition(Use::Condition, delete.condition_expression.as_deref(), &context)
            .returned(delete.return_values.as_deref(), delete.return_consumed_capacity.as_deref())
    } else if let Some(update) = input.downcast_ref::<tables::UpdateItemInput>() {
        let context = context(&update.expression_attribute_names, &update.expression_attribute_values);
        Conditions::new("dynamodb:UpdateItem", arn(cx, &update.table_name))
            .item(&update.key)
            .attributes(update.attribute_updates.iter().flat_map(BTreeMap::keys).cloned())
            .attributes(update.expected.iter().flat_map(BTreeMap::keys).cloned())
            .update(update.update_expression.as_deref(), &context)
            .condition(Use::Condition, update.condition_expression.as_deref(), &context)
            .returned(update.return_values.as_deref(), update.return_consumed_capacity.as_deref())
    } else {
        return None;
    };
    Some(vec![need.done()])
}

fn read_needs(cx: &Ctx, input: &dyn Any) -> Option<Vec<Need>> {
    if let Some(query) = input.downcast_ref::<tables::QueryInput>() {
        let context = context(&query.expression_attribute_names, &query.expression_attribute_values);
        let resource = source_arn(cx, &query.table_name, query.index_name.as_deref());
        let mut need = Conditions::new("dynamodb:Query", resource)
            .attributes(query.attributes_to_get.iter().flatten().cloned())
            .attributes(query.query_filter.iter().flat_map(BTreeMap::keys).cloned())
            .projection(query.projection_expression.as_deref(), &context)
            .condition(Use::Filter, query.filter_expression.as_deref(), &context)
            .value("dynamodb:Select", query.select.as_deref())
            .returned(None, query.return_consumed_capacity.as_deref());
        need.candidates = key_values(query, &context);
        let keys: Vec<String> = need.candidates.keys().cloned().collect();
        return Some(vec![need.attributes(keys).done()]);
    }
    let scan = input.downcast_ref::<tables::ScanInput>()?;
    let context = context(&scan.expression_attribute_names, &scan.expression_attribute_values);
    let need = Conditions::new("dynamodb:Scan", source_arn(cx, &scan.table_name, scan.index_name.as_deref()))
        .attributes(scan.attributes_to_get.iter().flatten().cloned())
        .attributes(scan.scan_filter.iter().flat_map(BTreeMap::keys).cloned())
        .projection(scan.projection_expression.as_deref(), &context)
        .condition(Use::Filter, scan.filter_expression.as_deref(), &context)
        .value("dynamodb:Select", scan.select.as_deref())
        .returned(None, scan.return_consumed_capacity.as_deref());
    Some(vec![need.done()])
}

/// What a query asks key attributes to be equal to.
fn key_values(query: &tables::QueryInput, context: &Context) -> BTreeMap<String, Vec<String>> {
    let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut add = |name: &str, value: &AttributeValue| {
        if let AttributeValue::S(text) | AttributeValue::N(text) = value {
            values.entry(name.to_owned()).or_default().push(text.clone());
        }
    };
    let parsed = query.key_condition_expression.as_deref();
    let parsed = parsed.and_then(|text| condition::parse(Use::Key, text, context).ok());
    let tests = parsed.and_then(|condition| key_condition::from_expression(&condition).ok()).unwrap_or_default();
    for (name, test) in tests.iter().filter(|(_, test)| test.operator == Operator::Eq) {
        for value in &test.values {
            add(name, &crate::value::write_value(value.clone()));
        }
    }
    for (name, condition) in query.key_conditions.iter().flatten() {
        if condition.comparison_operator == "EQ" {
            condition.attribute_value_list.iter().flatten().for_each(|value| add(name, value));
        }
    }
    values
}

fn batch_needs(cx: &Ctx, input: &dyn Any) -> Option<Vec<Need>> {
    if let Some(batch) = input.downcast_ref::<tables::BatchGetItemInput>() {
        let need = |(table, wanted): (&String, &tables::KeysAndAttributes)| {
            let context = context(&wanted.expression_attribute_names, &None);
            let mut need = Conditions::new("dynamodb:BatchGetItem", arn(cx, table));
            for key in &wanted.keys {
                need = need.item(key);
            }
            need.attributes(wanted.attributes_to_get.iter().flatten().cloned())
                .projection(wanted.projection_expression.as_deref(), &context)
                .returned(None, batch.return_consumed_capacity.as_deref())
                .done()
        };
        return Some(batch.request_items.iter().map(need).collect());
    }
    if let Some(batch) = input.downcast_ref::<tables::BatchWriteItemInput>() {
        let need = |(table, writes): (&String, &Vec<tables::WriteRequest>)| {
            let mut need = Conditions::new("dynamodb:BatchWriteItem", arn(cx, table));
            for write in writes {
                let put = write.put_request.as_ref().map(|put| &put.item);
                let delete = write.delete_request.as_ref().map(|delete| &delete.key);
                for item in put.into_iter().chain(delete) {
                    need = need.item(item);
                }
            }
            need.returned(None, batch.return_consumed_capacity.as_deref()).done()
        };
        return Some(batch.request_items.iter().map(need).collect());
    }
    if let Some(transaction) = input.downcast_ref::<tables::TransactGetItemsInput>() {
        let need = |item: &tables::TransactGetItem| {
            let context = context(&item.get.expression_attribute_names, &None);
            Conditions::new("dynamodb:GetItem", arn(cx, &item.get.table_name))
                .item(&item.get.key)
                .projection(item.get.projection_expression.as_deref(), &context)
                .value(ENCLOSING, Some("TransactGetItems"))
                .done()
        };
        return Some(transaction.transact_items.iter().map(need).collect());
    }
    let transaction = input.downcast_ref::<tables::TransactWriteItemsInput>()?;
    Some(transaction.transact_items.iter().flat_map(|item| transact_needs(cx, item)).collect())
}

fn transact_needs(cx: &Ctx, item: &TransactWriteItem) -> Vec<Need> {
    let mut needs = Vec::new();
    let mut add = |need: Conditions| needs.push(need.value(ENCLOSING, Some("TransactWriteItems")).done());
    if let Some(check) = &item.condition_check {
        let context = context(&check.expression_attribute_names, &check.expression_attribute_values);
        let need = Conditions::new("dynamodb:ConditionCheckItem", arn(cx, &check.table_name)).item(&check.key);
        add(need.condition(Use::Condition, Some(&check.condition_expression), &context));
    }
    if let Some(put) = &item.put {
        let context = context(&put.expression_attribute_names, &put.expression_attribute_values);
        let need = Conditions::new("dynamodb:PutItem", arn(cx, &put.table_name)).item(&put.item);
        add(need.condition(Use::Condition, put.condition_expression.as_deref(), &context));
    }
    if let Some(delete) = &item.delete {
        let context = context(&delete.expression_attribute_names, &delete.expression_attribute_values);
        let need = Conditions::new("dynamodb:DeleteItem", arn(cx, &delete.table_name)).item(&delete.key);
        add(need.condition(Use::Condition, delete.condition_expression.as_deref(), &context));
    }
    if let Some(update) = &item.update {
        let context = context(&update.expression_attribute_names, &update.expression_attribute_values);
        let need = Conditions::new("dynamodb:UpdateItem", arn(cx, &update.table_name)).item(&update.key);
        let need = need.update(Some(&update.update_expression), &context);
        add(need.condition(Use::Condition, update.condition_expression.as_deref(), &context));
    }
    needs
}

/// Needs of statements. One that does not parse will be refused by the handler, and needs its action on everything.
fn statement_needs(cx: &Ctx, input: &dyn Any) -> Option<Vec<Need>> {
    if let Some(input) = input.downcast_ref::<tables::ExecuteStatementInput>() {
        return Some(vec![statement_need(cx, &input.statement, &input.parameters, None)]);
    }
    if let Some(batch) = input.downcast_ref::<tables::BatchExecuteStatementInput>() {
        let need = |each: &tables::BatchStatementRequest| {
            statement_need(cx, &each.statement, &each.parameters, Some("BatchExecuteStatement"))
        };
        return Some(batch.statements.iter().map(need).collect());
    }
    let transaction = input.downcast_ref::<tables::ExecuteTransactionInput>()?;
    let need = |each: &tables::ParameterizedStatement| {
        statement_need(cx, &each.statement, &each.parameters, Some("ExecuteTransaction"))
    };
    Some(transaction.transact_statements.iter().map(need).collect())
}

fn statement_need(cx: &Ctx, text: &str, parameters: &Option<Vec<AttributeValue>>, enclosing: Option<&str>) -> Need {
    let Ok(statement) = partiql::operations::read(text, parameters.clone()) else {
        return Need::new("dynamodb:PartiQLSelect", "*");
    };
    let index = match &statement {
        Statement::Select(select) => select.index.as_deref(),
        _ => None,
    };
    let condition = match &statement {
        Statement::Select(select) => select.condition.as_ref(),
        Statement::Update { condition, .. } | Statement::Delete { condition, .. } => condition.as_ref(),
        Statement::Insert { .. } => None,
    };
    let mut need = Conditions::new(statement.action(), source_arn(cx, statement.table(), index));
    for path in condition.map(|condition| condition.paths()).unwrap_or_default() {
        need = need.attributes([path.head().to_owned()]);
    }
    for (name, test) in partiql::select::necessary(condition) {
        if test.operator == Operator::Eq {
            let value = test.values.into_iter().map(crate::value::write_value);
            let item: Answer = value.map(|value| (name.clone(), value)).collect();
            need = need.item(&item);
        }
    }
    need = match &statement {
        Statement::Insert { item, .. } => need.item(&crate::value::write_item(item.clone())),
        Statement::Update { update, .. } => {
            need.attributes(update.changes.iter().map(|change| change.path.head().to_owned()))
        }
        Statement::Select(select) => {
            let heads: Vec<String> = select.paths.iter().flatten().map(|path| path.head().to_owned()).collect();
            need.attributes(heads)
        }
        Statement::Delete { .. } => need,
    };
    let mut need = need.value(ENCLOSING, enclosing).done();
    if matches!(statement, Statement::Select(_)) {
        need = need.with(FULL_TABLE_SCAN, vec!["true".to_owned()]);
    }
    need
}

/// Needs of operations on one table that have no conditions of their own.
fn table_needs(cx: &Ctx, input: &dyn Any) -> Option<Vec<Need>> {
    macro_rules! on_table {
        ($($input:ident: $action:literal),* $(,)?) => {
            $(if let Some(input) = input.downcast_ref::<tables::$input>() {
                return Some(vec![Need::new($action, arn(cx, &input.table_name))]);
            })*
        };
    }
    // Without a name these are refused by their handlers.
    let named = |action, name: &Option<String>| vec![Need::new(action, arn(cx, name.as_deref().unwrap_or_default()))];
    if let Some(input) = input.downcast_ref::<tables::DeleteTableInput>() {
        return Some(named("dynamodb:DeleteTable", &input.table_name));
    }
    if let Some(input) = input.downcast_ref::<tables::DescribeTableInput>() {
        return Some(named("dynamodb:DescribeTable", &input.table_name));
    }
    if let Some(input) = input.downcast_ref::<tables::UpdateTableInput>() {
        return Some(named("dynamodb:UpdateTable", &input.table_name));
    }
    on_table! {
        DescribeTimeToLiveInput: "dynamodb:DescribeTimeToLive",
        UpdateTimeToLiveInput: "dynamodb:UpdateTimeToLive",
        DescribeKinesisStreamingDestinationInput: "dynamodb:DescribeKinesisStreamingDestination",
        UpdateKinesisStreamingDestinationInput: "dynamodb:UpdateKinesisStreamingDestination",
        DescribeContinuousBackupsInput: "dynamodb:DescribeContinuousBackups",
        UpdateContinuousBackupsInput: "dynamodb:UpdateContinuousBackups",
        CreateBackupInput: "dynamodb:CreateBackup",
    }
    // Two operations share this input.
    if let Some(destination) = input.downcast_ref::<tables::KinesisStreamingDestinationInput>() {
        return Some(Need::of_operation(cx, &arn(cx, &destination.table_name)));
    }
    macro_rules! on_resource {
        ($($input:ident: $action:literal),* $(,)?) => {
            $(if let Some(input) = input.downcast_ref::<tables::$input>() {
                return Some(vec![Need::new($action, input.resource_arn.clone())]);
            })*
        };
    }
    on_resource! {
        ListTagsOfResourceInput: "dynamodb:ListTagsOfResource",
        UntagResourceInput: "dynamodb:UntagResource",
        PutResourcePolicyInput: "dynamodb:PutResourcePolicy",
        GetResourcePolicyInput: "dynamodb:GetResourcePolicy",
        DeleteResourcePolicyInput: "dynamodb:DeleteResourcePolicy",
    }
    if let Some(tag) = input.downcast_ref::<tables::TagResourceInput>() {
        let tags = tag.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()));
        return Some(vec![Need::new("dynamodb:TagResource", tag.resource_arn.clone()).with_request_tags(tags)]);
    }
    if let Some(create) = input.downcast_ref::<tables::CreateTableInput>() {
        let resource = arn(cx, create.table_name.as_deref().unwrap_or_default());
        let tags: Vec<_> = create.tags.iter().flatten().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect();
        let mut needs = vec![Need::new("dynamodb:CreateTable", resource.clone()).with_request_tags(tags.clone())];
        if !tags.is_empty() {
            needs.push(Need::new("dynamodb:TagResource", resource.clone()).with_request_tags(tags));
        }
        if create.resource_policy.is_some() {
            needs.push(Need::new("dynamodb:PutResourcePolicy", resource));
        }
        return Some(needs);
    }
    if let Some(insights) = input.downcast_ref::<tables::UpdateContributorInsightsInput>() {
        let resource = source_arn(cx, &insights.table_name, insights.index_name.as_deref());
        return Some(vec![Need::new("dynamodb:UpdateContributorInsights", resource)]);
    }
    let insights = input.downcast_ref::<tables::DescribeContributorInsightsInput>()?;
    let resource = source_arn(cx, &insights.table_name, insights.index_name.as_deref());
    Some(vec![Need::new("dynamodb:DescribeContributorInsights", resource)])
}

/// Needs of operations on backups, and of those that have no resource.
fn backup_needs(cx: &Ctx, input: &dyn Any) -> Option<Vec<Need>> {
    let alone = |action: &'static str| Some(vec![Need::new(action, "*")]);
    if let Some(describe) = input.downcast_ref::<tables::DescribeBackupInput>() {
        return Some(vec![Need::new("dynamodb:DescribeBackup", describe.backup_arn.clone())]);
    }
    if let Some(delete) = input.downcast_ref::<tables::DeleteBackupInput>() {
        return Some(vec![Need::new("dynamodb:DeleteBackup", delete.backup_arn.clone())]);
    }
    if let Some(restore) = input.downcast_ref::<tables::RestoreTableFromBackupInput>() {
        let action = "dynamodb:RestoreTableFromBackup";
        let target = arn(cx, &restore.target_table_name);
        return Some(vec![Need::new(action, restore.backup_arn.clone()), Need::new(action, target)]);
    }
    if let Some(restore) = input.downcast_ref::<tables::RestoreTableToPointInTimeInput>() {
        let action = "dynamodb:RestoreTableToPointInTime";
        let source = restore.source_table_arn.as_deref().or(restore.source_table_name.as_deref());
        let source = source.map_or_else(|| "*".to_owned(), |name| arn(cx, name));
        let target = arn(cx, &restore.target_table_name);
        return Some(vec![Need::new(action, source), Need::new(action, target)]);
    }
    if input.is::<tables::ListBackupsInput>() {
        return alone("dynamodb:ListBackups");
    }
    if input.is::<tables::ListTablesInput>() {
        return alone("dynamodb:ListTables");
    }
    if input.is::<tables::ListContributorInsightsInput>() {
        return alone("dynamodb:ListContributorInsights");
    }
    if input.is::<tables::DescribeLimitsInput>() {
        return alone("dynamodb:DescribeLimits");
    }
    if input.is::<tables::DescribeEndpointsRequest>() {
        return alone("dynamodb:DescribeEndpoints");
    }
    None
}

/// Needs of exports and imports, besides those on the bucket.
fn transfer_needs(cx: &Ctx, input: &dyn Any) -> Option<Vec<Need>> {
    let on = |action: &'static str, resource: String| Some(vec![Need::new(action, resource)]);
    if let Some(export) = input.downcast_ref::<tables::ExportTableToPointInTimeInput>() {
        return on("dynamodb:ExportTableToPointInTime", arn(cx, &export.table_arn));
    }
    if let Some(import) = input.downcast_ref::<tables::ImportTableInput>() {
        return on("dynamodb:ImportTable", arn(cx, &import.table_creation_parameters.table_name));
    }
    if let Some(describe) = input.downcast_ref::<tables::DescribeExportInput>() {
        return on("dynamodb:DescribeExport", describe.export_arn.clone());
    }
    if let Some(describe) = input.downcast_ref::<tables::DescribeImportInput>() {
        return on("dynamodb:DescribeImport", describe.import_arn.clone());
    }
    if input.is::<tables::ListExportsInput>() {
        return on("dynamodb:ListExports", "*".to_owned());
    }
    input.downcast_ref::<tables::ListImportsInput>()?;
    on("dynamodb:ListImports", "*".to_owned())
}

fn stream_needs(input: &dyn Any) -> Option<Vec<Need>> {
    let on = |action: &'static str, arn: &str| Some(vec![Need::new(action, arn.to_owned())]);
    if let Some(describe) = input.downcast_ref::<streams::DescribeStreamInput>() {
        return on("dynamodb:DescribeStream", &describe.stream_arn);
    }
    if let Some(iterator) = input.downcast_ref::<streams::GetShardIteratorInput>() {
        return on("dynamodb:GetShardIterator", &iterator.stream_arn);
    }
    if let Some(records) = input.downcast_ref::<streams::GetRecordsInput>() {
        let arn = records.shard_iterator.split_once('|').map_or("*", |(arn, _)| arn);
        return on("dynamodb:GetRecords", arn);
    }
    input.downcast_ref::<streams::ListStreamsInput>()?;
    on("dynamodb:ListStreams", "*")
}
