//! Layers that a function is to use.

use platform::Ctx;
use wire::Error;
use wire::error::common;

use super::{AttachedLayer, LAYERS_MAX, LayerId, parse_arn};
use crate::function::{CodePackage, Configuration};
use crate::package::UNZIPPED_BYTES_MAX;
use crate::{Lambda, errors};

/// The layer versions that a request names, in its order. Whether the caller may use them has been decided.
///
/// # Errors
/// `InvalidParameterValueException` for too many, for one that does not exist or is in another region, and for two
/// versions of one layer; `AccessDeniedException` for one of another account that does not exist.
pub async fn attach(lambda: &Lambda, cx: &Ctx, arns: &[String]) -> Result<Vec<AttachedLayer>, Error> {
    if arns.len() > LAYERS_MAX {
        return Err(errors::invalid_parameter(format!("Cannot reference more than {LAYERS_MAX} layers.")));
    }
    let mut seen: Vec<(LayerId, &str)> = Vec::new();
    let mut attached = Vec::with_capacity(arns.len());
    for arn in arns {
        let Some((layer, Some(number))) = parse_arn(arn) else {
            return Err(errors::unsupported(&format!("the layer {arn}")));
        };
        if layer.region != cx.region {
            return Err(errors::invalid_parameter(format!(
                "Layers are not in the same region as the function. Layers are expected to be in region {}.",
                cx.region
            )));
        }
        let version = lambda.functions.layer_version(&layer, number).await?;
        let version = version.ok_or_else(|| unknown(cx, &layer, arn))?;
        if let Some((_, other)) = seen.iter().find(|(other, _)| *other == layer) {
            return Err(errors::invalid_parameter(format!(
                "Two different versions of the same layer are not allowed to be referenced in the same function. \
                 {other} and {arn} are versions of the same layer."
            )));
        }
        seen.push((layer, arn));
        attached.push(AttachedLayer { arn: arn.clone(), code: version.code });
    }
    Ok(attached)
}

/// Checks that a function's package and its layers are not too large together.
///
/// # Errors
/// `InvalidParameterValueException`.
pub fn check_total(configuration: &Configuration, code: &CodePackage) -> Result<(), Error> {
    let layers = &configuration.layers;
    let total = code.unzipped_bytes + layers.iter().map(|layer| layer.code.unzipped_bytes).sum::<u64>();
    if layers.is_empty() || total <= UNZIPPED_BYTES_MAX {
        return Ok(());
    }
    Err(errors::invalid_parameter(format!(
        "Function code combined with layers exceeds the maximum allowed size of {UNZIPPED_BYTES_MAX} bytes. \
         The actual size is {total} bytes."
    )))
}

/// Who asks for what another account has not got is told what one is told who may not use it.
fn unknown(cx: &Ctx, layer: &LayerId, arn: &str) -> Error {
    if layer.account == cx.account {
        return errors::invalid_parameter(format!("Layer version {arn} does not exist."));
    }
    let action = "lambda:GetLayerVersion";
    let text = format!(
        "User: {} is not authorized to perform: {action} on resource: {arn} \
         because no resource-based policy allows the {action} action",
        cx.principal.arn()
    );
    Error::new(&common::ACCESS_DENIED, text)
}
