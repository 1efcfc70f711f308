//! What may be set on functions that are container images, and only on them.

use api::lambda::ImageConfig;
use wire::Error;

use super::Settings;
use crate::container::ImageOverrides;
use crate::errors;

/// Checks that settings fit the kind of function.
pub fn check(settings: &Settings, is_image: bool) -> Result<(), Error> {
    let has_layers = settings.layers.as_ref().is_some_and(|layers| !layers.is_empty());
    if is_image && (settings.handler.is_some() || settings.runtime.is_some() || has_layers) {
        return Err(errors::invalid_parameter(
            "Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image.",
        ));
    }
    if !is_image && settings.image_config.as_ref().is_some_and(|config| *config != ImageConfig::default()) {
        return Err(errors::invalid_parameter(
            "Please don't provide ImageConfig when the intended function PackageType is Zip.",
        ));
    }
    Ok(())
}

/// What a request sets: all that it does not name is the image's own again.
pub fn overrides(config: &ImageConfig) -> Result<ImageOverrides, Error> {
    let words = config.entry_point.iter().chain(&config.command).flatten();
    if words.chain(&config.working_directory).any(|word| word.contains('\0')) {
        return Err(errors::invalid_parameter("ImageConfig holds a NUL character."));
    }
    Ok(ImageOverrides {
        entry_point: config.entry_point.clone(),
        command: config.command.clone(),
        working_directory: config.working_directory.clone(),
    })
}
