//! What is run in the root of a container image.

use std::path::Path;

use super::launch::LaunchError;
use crate::configuration::environment::RESERVED;
use crate::container::{ContainerImage, ImageOverrides};

/// Where the program of an image that names none is looked for.
const BOOTSTRAPS: [&str; 3] = ["/var/runtime/bootstrap", "/var/task/bootstrap", "/opt/bootstrap"];

/// Where programs are, in an image that does not say.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Variables of Lambda's own default environment that an image without them does not get.
const NOT_FOR_IMAGES: [&str; 2] = ["_HANDLER", "LD_LIBRARY_PATH"];

/// A program, and where it is started.
#[derive(Debug, PartialEq, Eq)]
pub struct Calling {
    /// The program's path inside and its arguments.
    pub command: Vec<String>,
    /// A path inside.
    pub working_directory: String,
}

/// What is called in the image that is unpacked at `root`. Reads the file system.
///
/// # Errors
/// [`LaunchError::EntryPoint`] and [`LaunchError::WorkingDirectory`] when it is not there.
pub fn calling(image: &ContainerImage, overrides: &ImageOverrides, root: &Path) -> Result<Calling, LaunchError> {
    let own = overrides.working_directory.as_deref().filter(|directory| !directory.is_empty());
    let directory = own.unwrap_or(&image.working_directory);
    let directory = if directory.starts_with('/') { directory.to_owned() } else { format!("/{directory}") };
    if !image::is_directory(root, &directory) {
        return Err(LaunchError::WorkingDirectory(directory));
    }
    let set = |own: &Option<Vec<String>>, images: &[String]| match own {
        Some(own) if !own.is_empty() => own.clone(),
        _ => images.to_vec(),
    };
    let mut command = set(&overrides.entry_point, &image.entry_point);
    command.extend(set(&overrides.command, &image.command));
    match command.first_mut() {
        Some(program) => *program = find(program, &directory, path_of(image), root)?,
        None => {
            let found = BOOTSTRAPS.into_iter().find(|path| image::is_program(root, path));
            let missing =
                || LaunchError::EntryPoint(format!("Couldn't find valid bootstrap(s): [{}]", BOOTSTRAPS.join(" ")));
            command.push(found.ok_or_else(missing)?.to_owned());
        }
    }
    Ok(Calling { command, working_directory: directory })
}

/// Lambda's default variables, under those of an image.
pub fn variables(defaults: Vec<(String, String)>, image: &ContainerImage) -> Vec<(String, String)> {
    let own: Vec<(String, String)> = image
        .environment
        .iter()
        .filter_map(|line| line.split_once('='))
        .filter(|(name, _)| !name.is_empty() && !RESERVED.contains(name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let is_own = |name: &str| own.iter().any(|(own, _)| own == name);
    let kept = defaults.into_iter().filter(|(name, _)| !is_own(name) && !NOT_FOR_IMAGES.contains(&name.as_str()));
    let kept = kept.map(|(name, value)| if name == "PATH" { (name, PATH.to_owned()) } else { (name, value) });
    kept.collect::<Vec<_>>().into_iter().chain(own).collect()
}

fn path_of(image: &ContainerImage) -> &str {
    image.environment.iter().find_map(|line| line.strip_prefix("PATH=")).unwrap_or(PATH)
}

/// A program's path: as it is, from the working directory on, or in one of the directories of `PATH`.
fn find(program: &str, directory: &str, path: &str, root: &Path) -> Result<String, LaunchError> {
    if program.starts_with('/') {
        return Ok(program.to_owned());
    }
    if program.contains('/') {
        return Ok(format!("{}/{program}", directory.trim_end_matches('/')));
    }
    let places = path.split(':').filter(|place| place.starts_with('/'));
    let mut programs = places.map(|place| format!("{}/{program}", place.trim_end_matches('/')));
    let missing = || LaunchError::EntryPoint(format!("exec: \"{program}\": executable file not found in $PATH"));
    programs.find(|found| image::is_program(root, found)).ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn image(entry_point: &[&str], command: &[&str]) -> ContainerImage {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        ContainerImage {
            uri: "localhost/app:1".to_owned(),
            layers: Vec::new(),
            entry_point: words(entry_point),
            command: words(command),
            working_directory: "/work".to_owned(),
            environment: words(&["PATH=/tools:/bin", "A=1", "AWS_REGION=x", "odd"]),
        }
    }

    fn root() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for program in ["tools/app", "work/run", "var/task/bootstrap"] {
            let path = root.path().join(program);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        root
    }

    #[test]
    fn the_program_is_the_images_or_what_is_set_instead() {
        let root = root();
        let call = |entry: &[&str], command: &[&str], overrides: ImageOverrides| {
            calling(&image(entry, command), &overrides, root.path())
        };
        let none = ImageOverrides::default;
        assert_eq!(call(&["app"], &["x"], none()).unwrap().command, ["/tools/app", "x"]);
        assert_eq!(call(&[], &["./run"], none()).unwrap().command, ["/work/./run"]);
        assert_eq!(call(&[], &[], none()).unwrap().command, ["/var/task/bootstrap"]);
        let set = ImageOverrides { command: Some(vec!["y".into()]), ..none() };
        assert_eq!(call(&["app"], &["x"], set).unwrap().command, ["/tools/app", "y"]);
        let elsewhere = ImageOverrides { working_directory: Some("/tools".into()), ..none() };
        assert_eq!(call(&["/a"], &[], elsewhere).unwrap().working_directory, "/tools");
        let absent = ImageOverrides { working_directory: Some("/absent".into()), ..none() };
        assert!(matches!(call(&["/a"], &[], absent), Err(LaunchError::WorkingDirectory(_))));
        let error = call(&["absent"], &[], none()).unwrap_err().to_string();
        assert_eq!(error, "exec: \"absent\": executable file not found in $PATH");
    }

    #[test]
    fn variables_of_the_image_are_over_the_defaults() {
        let defaults = ["PATH", "TZ", "AWS_REGION", "_HANDLER"].map(|name| (name.to_owned(), "default".to_owned()));
        let variables = variables(defaults.to_vec(), &image(&[], &[]));
        let pairs: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("TZ", "default"), ("AWS_REGION", "default"), ("PATH", "/tools:/bin"), ("A", "1")]);
    }
}
