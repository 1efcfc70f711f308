//! `UpdateFunctionCode`.

use std::sync::Arc;

use api::lambda::{FunctionCode, FunctionConfiguration, UpdateFunctionCodeRequest};
use platform::Ctx;
use wire::Error;

use super::code::{self, Fate, Source};
use crate::function::{CodePackage, FunctionVersion, Version};
use crate::functions::Edit;
use crate::{Lambda, code_signing, configuration, deployment, errors, layers, names, view};

/// Answers as soon as the change is durable; invocations run the code before it until the new one is unpacked.
pub async fn update_function_code(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: UpdateFunctionCodeRequest,
) -> Result<FunctionConfiguration, Error> {
    let id = names::whole_function(cx, &input.function_name)?;
    if input.publish_to.is_some() {
        return Err(errors::unsupported("PublishTo"));
    }
    let source = code::source(FunctionCode {
        zip_file: input.zip_file,
        s3_bucket: input.s3_bucket,
        s3_key: input.s3_key,
        s3_object_version: input.s3_object_version,
        s3_object_storage_mode: input.s3_object_storage_mode,
        image_uri: input.image_uri,
        source_kms_key_arn: input.source_kms_key_arn,
    })?;
    // Said before the package is read, which is expensive; the transaction decides.
    let latest = lambda.functions.version(&id, Version::Latest).await?;
    let latest = latest.ok_or_else(|| errors::function_not_found(&id, None))?.described;
    check_kind(&latest, &source)?;
    code_signing::check(lambda, &id).await?;
    let architecture = configuration::architecture(input.architectures.as_deref()).map(str::to_owned);
    let change_to = |code: CodePackage| {
        move |mut latest: FunctionVersion| {
            latest.code = code.clone();
            layers::check_total(&latest.configuration, &latest.code)?;
            if let Some(architecture) = &architecture {
                latest.configuration.architecture.clone_from(architecture);
            }
            Ok(latest)
        }
    };
    let target = input.architectures.as_ref().and_then(|all| all.first()).unwrap_or(&latest.configuration.architecture);
    let edit = Edit { revision_id: input.revision_id, publish: input.publish.unwrap_or(false) };
    if input.dry_run == Some(true) {
        let code = code::take(lambda, cx, source, target, Fate::Checked).await?;
        let latest = lambda.functions.preview(&id, &edit, change_to(code)).await?;
        return Ok(view::full(cx, &latest, id.arn()).await);
    }
    let code = code::take(lambda, cx, source, target, Fate::Kept).await?;
    let apply = change_to(code);
    let change =
        deployment::deploy(lambda, |lambda| async move { lambda.functions.edit(&id, edit, apply).await }).await?;
    Ok(match change.published {
        Some(published) => view::full(cx, &published.version, published.version.qualified_arn()).await,
        None => view::full(cx, &change.latest, change.latest.arn()).await,
    })
}

/// A function stays of the kind that it was made as.
fn check_kind(latest: &FunctionVersion, source: &Source) -> Result<(), Error> {
    match (latest.code.image.is_some(), source.is_image()) {
        (true, false) => {
            Err(errors::invalid_parameter("Please provide ImageUri when updating a function with packageType Image."))
        }
        (false, true) => Err(errors::invalid_parameter(
            "Please don't provide ImageUri when updating a function with packageType Zip.",
        )),
        (true, true) | (false, false) => Ok(()),
    }
}
