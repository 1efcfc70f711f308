//! Publishing, describing, listing and deleting layer versions.

use std::sync::Arc;

use api::Empty;
use api::lambda::{
    DeleteLayerVersionRequest, FunctionCode, GetLayerVersionByArnRequest, GetLayerVersionRequest,
    GetLayerVersionResponse, LayerVersionContentOutput, LayerVersionsListItem, LayersListItem,
    ListLayerVersionsRequest, ListLayerVersionsResponse, ListLayersRequest, ListLayersResponse,
    PublishLayerVersionRequest, PublishLayerVersionResponse,
};
use platform::Ctx;
use wire::Error;

use super::code::{self, Fate};
use super::marker;
use crate::layers::{LayerId, LayerVersion, Wanted, parse_arn};
use crate::{Lambda, errors, view};

/// Most runtimes that a layer version can name. API reference, PublishLayerVersion.
const RUNTIMES_MAX: usize = 15;
/// Architectures that a layer version can name. The same.
const ARCHITECTURES: [&str; 2] = ["x86_64", "arm64"];

/// Keeps a package as the next version of a layer.
pub async fn publish_layer_version(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: PublishLayerVersionRequest,
) -> Result<PublishLayerVersionResponse, Error> {
    check_compatibility(&input)?;
    let layer = own_layer(cx, &input.layer_name)?;
    let content = input.content;
    let source = code::source(FunctionCode {
        zip_file: content.zip_file,
        s3_bucket: content.s3_bucket,
        s3_key: content.s3_key,
        s3_object_version: content.s3_object_version,
        s3_object_storage_mode: content.s3_object_storage_mode,
        ..FunctionCode::default()
    })?;
    let code = code::take(lambda, cx, source, "", Fate::Kept).await?;
    let version = LayerVersion {
        layer,
        number: 0,
        description: input.description.unwrap_or_default(),
        code,
        runtimes: input.compatible_runtimes,
        architectures: input.compatible_architectures,
        license: input.license_info,
        created: cx.platform.clock.milliseconds(),
    };
    let published = lambda.functions.publish_layer(version).await?;
    let GetLayerVersionResponse {
        content,
        layer_arn,
        layer_version_arn,
        description,
        created_date,
        version,
        compatible_architectures,
        compatible_runtimes,
        license_info,
    } = described(lambda, cx, published);
    Ok(PublishLayerVersionResponse {
        content,
        layer_arn,
        layer_version_arn,
        description,
        created_date,
        version,
        compatible_architectures,
        compatible_runtimes,
        license_info,
    })
}

/// What a layer version says to be for.
fn check_compatibility(input: &PublishLayerVersionRequest) -> Result<(), Error> {
    let mut failures = Vec::new();
    let named = input.compatible_runtimes.as_deref().unwrap_or_default();
    let mut fail = |path: &str, values: &[String], constraint: String| {
        let values = values.join(", ");
        failures.push(format!("Value '[{values}]' at '{path}' failed to satisfy constraint: {constraint}"));
    };
    if named.len() > RUNTIMES_MAX {
        let constraint = format!("Member must have length less than or equal to {RUNTIMES_MAX}");
        fail("compatibleRuntimes", named, constraint);
    }
    if named.iter().any(|runtime| runtimes::find(runtime).is_none()) {
        let constraint = format!("Member must satisfy enum value set: {}", runtimes::enum_value_set());
        fail("compatibleRuntimes", named, constraint);
    }
    let architectures = input.compatible_architectures.as_deref().unwrap_or_default();
    if architectures.len() > ARCHITECTURES.len() {
        let constraint = format!("Member must have length less than or equal to {}", ARCHITECTURES.len());
        fail("compatibleArchitectures", architectures, constraint);
    }
    if architectures.iter().any(|architecture| !ARCHITECTURES.contains(&architecture.as_str())) {
        let known = ARCHITECTURES.join(", ");
        let constraint = format!("Member must satisfy constraint: [Member must satisfy enum value set: [{known}]]");
        fail("compatibleArchitectures", architectures, constraint);
    }
    if failures.is_empty() { Ok(()) } else { Err(errors::validation(&failures)) }
}

/// A version of a layer, by name and number.
pub async fn get_layer_version(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: GetLayerVersionRequest,
) -> Result<GetLayerVersionResponse, Error> {
    let number = number(input.version_number)?;
    get(lambda, cx, &LayerId::of(cx, &input.layer_name), number).await
}

/// A version of a layer, by its ARN.
pub async fn get_layer_version_by_arn(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: GetLayerVersionByArnRequest,
) -> Result<GetLayerVersionResponse, Error> {
    match parse_arn(&input.arn) {
        Some((layer, Some(number))) => get(lambda, cx, &layer, number).await,
        Some(_) | None => Err(unknown()),
    }
}

/// Deletes a version of a layer, which need not exist. Functions that use it are not affected.
pub async fn delete_layer_version(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: DeleteLayerVersionRequest,
) -> Result<Empty, Error> {
    let number = number(input.version_number)?;
    lambda.functions.delete_layer_version(&own_layer(cx, &input.layer_name)?, number).await?;
    lambda.sweep_soon();
    Ok(Empty)
}

/// The layers of an account by name, each by its latest version that is for what is asked for.
pub async fn list_layers(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: ListLayersRequest,
) -> Result<ListLayersResponse, Error> {
    let wanted = Wanted { runtime: input.compatible_runtime, architecture: input.compatible_architecture };
    let after = input.marker.as_deref().map(marker::read_name).transpose()?;
    let limit = marker::page_items(input.max_items);
    let page = lambda.functions.layers(&cx.account, &cx.region, after.as_deref(), limit, &wanted).await?;
    let item = |version: LayerVersion| LayersListItem {
        layer_name: Some(version.layer.name.clone()),
        layer_arn: Some(version.layer.arn()),
        latest_matching_version: Some(listed(version)),
    };
    Ok(ListLayersResponse {
        next_marker: page.next.as_deref().map(marker::write_name),
        layers: Some(page.versions.into_iter().map(item).collect()),
    })
}

/// The versions of a layer, the latest first.
pub async fn list_layer_versions(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: ListLayerVersionsRequest,
) -> Result<ListLayerVersionsResponse, Error> {
    let wanted = Wanted { runtime: input.compatible_runtime, architecture: input.compatible_architecture };
    let layer = LayerId::of(cx, &input.layer_name);
    let before = input.marker.as_deref().map(marker::read_name).transpose()?;
    let before = before.map(|text| text.parse().map_err(|_| marker::invalid())).transpose()?;
    let limit = marker::page_items(input.max_items);
    let page = lambda.functions.layer_versions(&layer, before, limit, &wanted).await?;
    Ok(ListLayerVersionsResponse {
        next_marker: page.next.map(|number| marker::write_name(&number.to_string())),
        layer_versions: Some(page.versions.into_iter().map(listed).collect()),
    })
}

/// The number of a version, if there can be one.
pub fn number(given: i64) -> Result<u64, Error> {
    match u64::try_from(given) {
        Ok(number) if number > 0 => Ok(number),
        Ok(_) | Err(_) => Err(errors::invalid_parameter("Layer Version Cannot be less than 1")),
    }
}

async fn get(lambda: &Lambda, cx: &Ctx, layer: &LayerId, number: u64) -> Result<GetLayerVersionResponse, Error> {
    let version = lambda.functions.layer_version(layer, number).await?.ok_or_else(unknown)?;
    Ok(described(lambda, cx, version))
}

fn unknown() -> Error {
    errors::not_found("The resource you requested does not exist.")
}

/// A layer that the caller's account owns in this region: others are not changed from here.
fn own_layer(cx: &Ctx, name: &str) -> Result<LayerId, Error> {
    let layer = LayerId::of(cx, name);
    if layer.account == cx.account && layer.region == cx.region { Ok(layer) } else { Err(unknown()) }
}

fn described(lambda: &Lambda, cx: &Ctx, version: LayerVersion) -> GetLayerVersionResponse {
    let location = lambda.code_locations.url(&cx.endpoint, &version.code.digest, cx.platform.clock.now().seconds);
    GetLayerVersionResponse {
        content: Some(LayerVersionContentOutput {
            location: Some(location),
            code_sha256: Some(version.code.sha256()),
            code_size: Some(version.code.size_bytes as i64),
            ..LayerVersionContentOutput::default()
        }),
        layer_arn: Some(version.layer.arn()),
        layer_version_arn: Some(version.arn()),
        created_date: Some(view::date(version.created)),
        version: Some(version.number as i64),
        description: Some(version.description),
        compatible_architectures: version.architectures,
        compatible_runtimes: version.runtimes,
        license_info: version.license,
    }
}

fn listed(version: LayerVersion) -> LayerVersionsListItem {
    LayerVersionsListItem {
        layer_version_arn: Some(version.arn()),
        version: Some(version.number as i64),
        description: Some(version.description),
        created_date: Some(view::date(version.created)),
        compatible_architectures: version.architectures,
        compatible_runtimes: version.runtimes,
        license_info: version.license,
    }
}
