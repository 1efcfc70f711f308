//! The credential report: one line per user, what keys and passwords it has and when they were used.

use api::Empty;
use api::iam::{GenerateCredentialReportResponse, GetCredentialReportResponse};
use platform::Ctx;
use store::Snapshot;
use wire::schema::TimestampFormat;
use wire::{Error, Timestamp};

use super::account;
use crate::errors;
use crate::keys;
use crate::limits::REPORT_LIFE_SECONDS;
use crate::records::{AccessKey, Kind, PasswordPolicy, Report, User};
use crate::rows;
use crate::service::Iam;
use crate::view;

/// The columns. User guide, "Understanding the report format".
const HEADER: &str = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,\
                      password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,\
                      access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,\
                      access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,\
                      access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,cert_1_last_rotated,\
                      cert_2_active,cert_2_last_rotated";

const NOT_APPLICABLE: &str = "N/A";
const NOT_SUPPORTED: &str = "not_supported";
const NO_INFORMATION: &str = "no_information";

const SECONDS_PER_DAY: i64 = 86_400;

/// Bytes of a row of a report's content. The store takes 4 MiB, in JSON a little longer than the text.
const PIECE_BYTES: usize = 1_000_000;

/// Has a report made, unless the last one still holds. It is there with the answer.
pub async fn generate_credential_report(
    service: &Iam,
    cx: &Ctx,
    _: Empty,
) -> Result<GenerateCredentialReportResponse, Error> {
    let snapshot = service.snapshot().await?;
    let now = service.now();
    let last: Option<Report> = rows::get(&snapshot, &keys::report(&cx.account)).await?;
    if last.is_some_and(|report| now - report.generated < REPORT_LIFE_SECONDS) {
        return Ok(GenerateCredentialReportResponse { state: Some("COMPLETE".to_owned()), description: None });
    }
    let content = content(service, cx, &snapshot).await?;
    let account = cx.account.clone();
    service
        .transact(move |rows| {
            rows.delete_range(keys::report_pieces(&account).range());
            for (piece, text) in content.as_bytes().chunks(PIECE_BYTES).enumerate() {
                // The content is ASCII, so that it can be cut anywhere.
                rows::put(rows, &keys::report_piece(&account, piece as u32), &String::from_utf8_lossy(text))?;
            }
            rows::put(rows, &keys::report(&account), &Report { generated: now })
        })
        .await?;
    Ok(GenerateCredentialReportResponse {
        state: Some("STARTED".to_owned()),
        description: Some("No report exists. Starting a new report generation task".to_owned()),
    })
}

/// Hands the report out.
pub async fn get_credential_report(service: &Iam, cx: &Ctx, _: Empty) -> Result<GetCredentialReportResponse, Error> {
    let snapshot = service.snapshot().await?;
    let report: Option<Report> = rows::get(&snapshot, &keys::report(&cx.account)).await?;
    let report = report.ok_or_else(errors::no_report)?;
    if service.now() - report.generated >= REPORT_LIFE_SECONDS {
        return Err(errors::report_expired("The credential report has expired."));
    }
    let pieces: Vec<(_, String)> = rows::all(&snapshot, &keys::report_pieces(&cx.account)).await?;
    let content: String = pieces.into_iter().map(|(_, piece)| piece).collect();
    Ok(GetCredentialReportResponse {
        content: Some(content.into()),
        report_format: Some("text/csv".to_owned()),
        generated_time: Some(view::at(report.generated)),
    })
}

async fn content(service: &Iam, cx: &Ctx, snapshot: &Snapshot) -> Result<String, Error> {
    let record = account::read(service, cx).await?;
    let policy = super::password_policy::read(snapshot, &cx.account).await?;
    let mut lines = vec![HEADER.to_owned()];
    let mut root = vec![
        "<root_account>".to_owned(),
        format!("arn:aws:iam::{}:root", cx.account),
        date(record.created),
        NOT_SUPPORTED.to_owned(),
        NO_INFORMATION.to_owned(),
        NOT_SUPPORTED.to_owned(),
        NOT_SUPPORTED.to_owned(),
        (!record.root_mfa_devices.is_empty()).to_string(),
    ];
    root.extend(keys_of(service, snapshot, &record.root_access_keys).await?);
    lines.push(root.join(","));
    let users: Vec<(_, User)> = rows::all(snapshot, &keys::identities(&cx.account, Kind::User)).await?;
    for (_, user) in &users {
        let mut columns = vec![user.name.clone(), user.arn(&cx.account), date(user.created)];
        columns.extend(password_of(user, policy.as_ref()));
        columns.push((!user.part.mfa_devices.is_empty()).to_string());
        columns.extend(keys_of(service, snapshot, &user.part.access_keys).await?);
        lines.push(columns.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(","));
    }
    Ok(lines.join("\n"))
}

/// Whether there is a password, when it was used, set, and has to be set anew.
fn password_of(user: &User, policy: Option<&PasswordPolicy>) -> [String; 4] {
    let Some(login) = &user.part.login else {
        return ["false", NOT_APPLICABLE, NOT_APPLICABLE, NOT_APPLICABLE].map(str::to_owned);
    };
    let age = policy.and_then(|policy| policy.age_days_max);
    let next = age.map_or_else(
        || NOT_APPLICABLE.to_owned(),
        |days| date(login.changed.saturating_add(i64::from(days) * SECONDS_PER_DAY)),
    );
    ["true".to_owned(), NO_INFORMATION.to_owned(), date(login.changed), next]
}

/// The columns of two access keys and two certificates, of which there are none.
async fn keys_of(service: &Iam, snapshot: &Snapshot, ids: &[String]) -> Result<Vec<String>, Error> {
    let mut columns = Vec::new();
    for slot in 0..2 {
        let id = ids.get(slot);
        let key: Option<AccessKey> = match id {
            Some(id) => rows::get(snapshot, &keys::access_key(id)).await?,
            None => None,
        };
        let used = match id {
            Some(id) => service.last_use(&keys::key_use(id)).await?,
            None => None,
        };
        let or_none = |text: Option<String>| text.unwrap_or_else(|| NOT_APPLICABLE.to_owned());
        columns.push(key.as_ref().is_some_and(|key| key.active).to_string());
        columns.push(or_none(key.map(|key| date(key.created))));
        columns.push(or_none(used.as_ref().map(|used| date(used.at))));
        columns.push(or_none(used.as_ref().map(|used| used.region.clone())));
        columns.push(or_none(used.map(|used| used.service)));
    }
    columns.extend(["false", NOT_APPLICABLE, "false", NOT_APPLICABLE].map(str::to_owned));
    Ok(columns)
}

/// `2024-01-01T00:00:00+00:00`
fn date(seconds: i64) -> String {
    let mut text = String::new();
    Timestamp { seconds, nanoseconds: 0 }.write(TimestampFormat::Iso8601, &mut text);
    text.trim_end_matches('Z').to_owned() + "+00:00"
}

/// A column whose text has a comma, as user names may, stands in quotation marks.
fn quoted(column: &str) -> String {
    if column.contains([',', '"']) { format!("\"{}\"", column.replace('"', "\"\"")) } else { column.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_an_offset_and_commas_do_not_split_columns() {
        assert_eq!(date(1_704_067_200), "2024-01-01T00:00:00+00:00");
        assert_eq!(quoted("a,b"), "\"a,b\"");
        assert_eq!(HEADER.split(',').count(), 22);
    }
}
