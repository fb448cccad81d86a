//! Files below a folder that somebody else names: what would lead out of it is refused.

use std::path::{Component, Path, PathBuf};

/// The file of that name below the folder.
///
/// # Errors
/// When the name is absolute, has `..` in it, or leads out of the folder by a link; and when there is no such file.
pub fn inside(folder: &Path, name: &str) -> Result<PathBuf, String> {
    let relative = Path::new(name);
    if name.is_empty() || !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(format!("`{name}` leads out of {}: write a path below it, without `..`", folder.display()));
    }
    let file = folder.join(relative);
    let real = |path: &Path| path.canonicalize().map_err(|error| format!("{}: {error}", path.display()));
    let (folder, found) = (real(folder)?, real(&file)?);
    if !found.starts_with(&folder) {
        return Err(format!("`{name}` leads out of {} by a link", folder.display()));
    }
    if !found.is_file() {
        return Err(format!("{} is no file", file.display()));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::inside;

    #[test]
    fn no_name_leads_out_of_its_folder() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("site");
        std::fs::create_dir_all(folder.join("lib")).unwrap();
        std::fs::write(outer.path().join("secret"), "x").unwrap();
        std::fs::write(folder.join("lib/a.rhai"), "x").unwrap();
        std::os::unix::fs::symlink(outer.path().join("secret"), folder.join("link")).unwrap();
        std::os::unix::fs::symlink(outer.path(), folder.join("up")).unwrap();
        assert!(inside(&folder, "lib/a.rhai").is_ok());
        for wrong in ["", "../secret", "lib/../../secret", "/etc/passwd", "link", "up/secret", "lib", "none"] {
            assert!(inside(&folder, wrong).is_err(), "{wrong}");
        }
    }
}
