//! `UpdateFunctionCode`.

use std::sync::Arc;

use api::lambda::{FunctionCode, FunctionConfiguration, UpdateFunctionCodeRequest};
use platform::Ctx;
use wire::Error;

use super::code;
use crate::function::{CodePackage, FunctionVersion};
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
    if lambda.functions.function(&id).await?.is_none() {
        return Err(errors::function_not_found(&id, None));
    }
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
    let package = code::fetch(cx, source).await?;
    let edit = Edit { revision_id: input.revision_id, publish: input.publish.unwrap_or(false) };
    if input.dry_run == Some(true) {
        let code = code::check(lambda, package).await?;
        let latest = lambda.functions.preview(&id, &edit, change_to(code)).await?;
        return Ok(view::full(&cx.platform.sealing, &latest, id.arn()));
    }
    let code = code::keep(lambda, cx, package).await?;
    let apply = change_to(code);
    let change =
        deployment::deploy(lambda, |lambda| async move { lambda.functions.edit(&id, edit, apply).await }).await?;
    Ok(match change.published {
        Some(published) => view::full(&cx.platform.sealing, &published.version, published.version.qualified_arn()),
        None => view::full(&cx.platform.sealing, &change.latest, change.latest.arn()),
    })
}
