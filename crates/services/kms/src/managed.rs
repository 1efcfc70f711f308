//! The keys of AWS's own services: made when they are first asked for, usable through their service only.

use std::collections::BTreeMap;

use wire::Error;

use crate::limits::{DAY_MS, ROTATION_DAYS_DEFAULT};
use crate::names::{AWS_ALIAS_PREFIX, AliasName, KeyName};
use crate::policy_document::managed_policy;
use crate::records::{AliasRecord, CurrentMaterial, KeyRecord, KeyState, Manager, Origin, Rotation};
use crate::service::Kms;
use crate::spec::{KeySpec, KeyUsage};
use crate::{keys, rows, timers};

/// A service with a key of its own.
struct Service {
    /// Behind `alias/aws/`; also the first label of its host names, for `kms:ViaService`.
    alias: &'static str,
    /// Its name in the policy's words.
    name: &'static str,
    /// What the key protects, in the description's words.
    protects: &'static str,
}

const fn service(alias: &'static str, name: &'static str, protects: &'static str) -> Service {
    Service { alias, name, protects }
}

/// The services whose keys come into being here.
const SERVICES: [Service; 12] = [
    service("backup", "AWS Backup", "backups"),
    service("dynamodb", "Amazon DynamoDB", "DynamoDB data"),
    service("ebs", "EBS", "EBS volumes"),
    service("kinesis", "Amazon Kinesis", "Kinesis data"),
    service("lambda", "AWS Lambda", "Lambda functions"),
    service("rds", "RDS", "RDS database volumes"),
    service("s3", "S3", "S3 objects"),
    service("secretsmanager", "AWS Secrets Manager", "Secrets Manager data"),
    service("sns", "SNS", "SNS data"),
    service("sqs", "SQS", "SQS messages"),
    service("ssm", "SSM", "SSM parameters"),
    service("xray", "AWS X-Ray", "X-Ray data"),
];

fn service_of(alias: &str) -> Option<&'static Service> {
    let name = alias.strip_prefix(AWS_ALIAS_PREFIX)?;
    SERVICES.iter().find(|service| service.alias == name)
}

/// Whether an alias is one of AWS's own that stand for a key.
pub fn is_known(alias: &str) -> bool {
    service_of(alias).is_some()
}

/// The key behind one of AWS's own aliases, which is made if it is not there yet.
pub async fn ensure(kms: &Kms, alias: &AliasName) -> Result<KeyName, Error> {
    let service = service_of(&alias.name).ok_or_else(|| crate::errors::alias_not_found(&alias.arn()))?;
    let now = kms.now();
    let mut record = KeyRecord {
        id: kms.platform.ids.uuid(),
        account: alias.account.clone(),
        region: alias.region.clone(),
        created_at: now,
        description: format!("Default key that protects my {} when no other key is defined", service.protects),
        spec: KeySpec::Symmetric,
        usage: KeyUsage::Encryption,
        origin: Origin::AwsKms,
        manager: Manager::Aws,
        state: KeyState::Enabled,
        policy: managed_policy(service.alias, service.name, &alias.account, &alias.region),
        tags: BTreeMap::new(),
        is_multi_region: false,
        public_key: None,
        current: None,
        next_generation: 1,
        rotation: Some(Rotation {
            period_days: ROTATION_DAYS_DEFAULT,
            next_at: now + i64::from(ROTATION_DAYS_DEFAULT) * DAY_MS,
        }),
        on_demand_rotations: 0,
        grants: 0,
    };
    let id = kms.platform.ids.hex(64);
    let material = kms.vault.seal(&record, 0, id.clone(), &kms.random_key());
    record.current = Some(CurrentMaterial { generation: 0, id, expires_at: None });
    let row = AliasRecord { name: alias.name.clone(), key: record.id.clone(), created_at: now, updated_at: now };
    let account = alias.account.clone();
    let timers = timers::partition(kms, &account).await?;
    let rotation = timers::rotation(&timers, &record, now + i64::from(ROTATION_DAYS_DEFAULT) * DAY_MS);
    let id = kms
        .transact(&account, move |transaction| {
            let key = keys::alias(&record.region, &row.name);
            if let Some(existing) = rows::read::<AliasRecord>(transaction, &key)? {
                return Ok(existing.key);
            }
            rows::put(transaction, &key, &row)?;
            rows::put(transaction, &keys::alias_of_key(&record.region, &record.id, &row.name), &())?;
            rows::put(transaction, &keys::material(&record.region, &record.id, 0), &material)?;
            rows::put_key(transaction, &record)?;
            timers.set(transaction, &rotation)?;
            Ok(record.id.clone())
        })
        .await?;
    Ok(KeyName { account: alias.account.clone(), region: alias.region.clone(), id })
}
