//! Writing a rendered file: whole or not at all, and not when nothing changed.

use std::fs::{self, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, chown, fchown};
use std::path::{Path, PathBuf};

use nix::unistd::{Group, User};
use pannier_agent_config::Owner;

use crate::files::{Draft, words};

const LOG: &str = "agent";

/// Where a file goes and how it is to look.
#[derive(Debug)]
pub(crate) struct Goal<'a> {
    pub(crate) path: &'a Path,
    pub(crate) create_dirs: bool,
    pub(crate) perms: Option<u32>,
    pub(crate) user: Option<&'a Owner>,
    pub(crate) group: Option<&'a Owner>,
    pub(crate) backup: bool,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// The file already had these bytes and this owner.
    Same,
    /// It was replaced.
    Changed,
}

/// Brings the file into the wanted state. On failure the file that was there is untouched.
pub(crate) fn write(goal: &Goal<'_>, content: &[u8]) -> Result<Written, String> {
    if goal.path.as_os_str().is_empty() {
        return Err("failed writing file: missing destination".to_owned());
    }
    let shown = goal.path.display();
    let present = match fs::read(goal.path) {
        Ok(bytes) => Some(zeroize::Zeroizing::new(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => None,
        Err(error) => {
            let step = if error.kind() == io::ErrorKind::IsADirectory {
                "read"
            } else {
                "open"
            };
            return Err(format!(
                "failed reading file: {step} {shown}: {}",
                words(&error)
            ));
        }
    };
    let uid = goal
        .user
        .map(|user| user_id(user).map_err(|error| format!("failed looking up user: {error}")))
        .transpose()?;
    let gid = goal
        .group
        .map(|group| group_id(group).map_err(|error| format!("failed looking up group: {error}")))
        .transpose()?;
    let metadata = fs::metadata(goal.path).ok();
    let owned = metadata.as_ref().is_some_and(|metadata| {
        uid.is_none_or(|uid| uid == metadata.uid()) && gid.is_none_or(|gid| gid == metadata.gid())
    });
    if owned
        && present
            .as_deref()
            .is_some_and(|present| present.as_slice() == content)
    {
        return Ok(Written::Same);
    }
    let failed = |error: io::Error| format!("failed writing file: open {shown}: {}", words(&error));
    make_parent(goal)?;
    replace(goal, metadata.as_ref(), content).map_err(failed)?;
    if uid.is_some() || gid.is_some() {
        chown(goal.path, uid, gid)
            .map_err(|error| format!("failed changing owner of {shown}: {}", words(&error)))?;
    }
    Ok(Written::Changed)
}

fn make_parent(goal: &Goal<'_>) -> Result<(), String> {
    let Some(parent) = goal
        .path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    else {
        return Ok(());
    };
    if parent.exists() {
        return Ok(());
    }
    if !goal.create_dirs {
        return Err("failed writing file: parent directory is missing".to_owned());
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(parent)
        .map_err(|error| {
            format!(
                "failed writing file: mkdir {}: {}",
                parent.display(),
                words(&error)
            )
        })
}

fn replace(goal: &Goal<'_>, present: Option<&Metadata>, content: &[u8]) -> io::Result<()> {
    // Nobody else may read the draft before it has its final mode.
    let mut draft = Draft::beside(goal.path, 0o600)?;
    draft.write(content)?;
    if let Some(present) = present
        && let Err(error) = fchown(draft.file(), Some(present.uid()), Some(present.gid()))
    {
        tracing::warn!(target: LOG, path = %goal.path.display(), error = words(&error), "could not keep the file's owner");
    }
    let mode = goal
        .perms
        .or_else(|| present.map(|present| present.mode() & 0o7777))
        .unwrap_or(0o644);
    draft.file().set_permissions(Permissions::from_mode(mode))?;
    draft.file().sync_all()?;
    if goal.backup {
        backup(goal.path)?;
    }
    draft.persist(goal.path)
}

/// Keeps the present file as `<name>.bak`; an older backup is only lost when that worked.
fn backup(path: &Path) -> io::Result<()> {
    let named = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let (backup, old) = (named(".bak"), named(".old.bak"));
    let had = backup.exists();
    if had {
        fs::rename(&backup, &old)?;
    }
    match fs::hard_link(path, &backup) {
        Ok(()) if had => fs::remove_file(&old),
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            tracing::warn!(target: LOG, path = %path.display(), "(runner) could not backup, the file does not exist yet");
            if had {
                fs::rename(&old, &backup)
            } else {
                Ok(())
            }
        }
        Err(error) => Err(error),
    }
}

fn user_id(owner: &Owner) -> Result<u32, String> {
    match owner {
        Owner::Id(id) => Ok(*id),
        Owner::Name(name) => match name.parse() {
            Ok(id) => Ok(id),
            Err(_) => match User::from_name(name) {
                Ok(Some(user)) => Ok(user.uid.as_raw()),
                _ => Err(format!("user: unknown user {name}")),
            },
        },
    }
}

fn group_id(owner: &Owner) -> Result<u32, String> {
    match owner {
        Owner::Id(id) => Ok(*id),
        Owner::Name(name) => match name.parse() {
            Ok(id) => Ok(id),
            Err(_) => match Group::from_name(name) {
                Ok(Some(group)) => Ok(group.gid.as_raw()),
                _ => Err(format!("group: unknown group {name}")),
            },
        },
    }
}

/// Turns the texts of `writeToFile` (a name, a number, or nothing, also written -1) into ids.
pub(crate) fn ids(user: &str, group: &str) -> Result<(Option<u32>, Option<u32>), String> {
    let some = |text: &str| (!matches!(text, "" | "-1")).then(|| Owner::Name(text.to_owned()));
    Ok((
        some(user).as_ref().map(user_id).transpose()?,
        some(group).as_ref().map(group_id).transpose()?,
    ))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn goal(path: &Path) -> Goal<'_> {
        Goal {
            path,
            create_dirs: true,
            perms: None,
            user: None,
            group: None,
            backup: false,
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_same_bytes_are_not_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/file");
        assert_eq!(write(&goal(&path), b"x").unwrap(), Written::Changed);
        let inode = fs::metadata(&path).unwrap().ino();
        assert_eq!(write(&goal(&path), b"x").unwrap(), Written::Same);
        assert_eq!(fs::metadata(&path).unwrap().ino(), inode);
        assert_eq!(write(&goal(&path), b"y").unwrap(), Written::Changed);
        assert_ne!(fs::metadata(&path).unwrap().ino(), inode);
        assert_eq!(names(path.parent().unwrap()), ["file"]);
    }

    #[test]
    fn the_mode_is_as_told_or_as_it_was_or_the_usual() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(&goal(&path), b"1").unwrap();
        assert_eq!(mode(&path), 0o644);
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        write(&goal(&path), b"2").unwrap();
        assert_eq!(mode(&path), 0o640);
        write(
            &Goal {
                perms: Some(0o400),
                ..goal(&path)
            },
            b"3",
        )
        .unwrap();
        assert_eq!(mode(&path), 0o400);
    }

    #[test]
    fn an_owner_of_nothing_or_minus_one_changes_nothing() {
        assert_eq!(ids("", "-1"), Ok((None, None)));
        assert_eq!(ids("-1", "7"), Ok((None, Some(7))));
        assert!(ids("-1x", "").is_err());
    }

    #[test]
    fn a_backup_is_the_version_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for content in ["1", "2", "3"] {
            write(
                &Goal {
                    backup: true,
                    ..goal(&path)
                },
                content.as_bytes(),
            )
            .unwrap();
        }
        assert_eq!(fs::read(&path).unwrap(), b"3");
        assert_eq!(fs::read(folder.path().join("file.bak")).unwrap(), b"2");
        assert_eq!(names(folder.path()), ["file", "file.bak"]);
    }

    #[test]
    fn a_link_is_replaced_by_a_file_with_the_targets_mode() {
        let folder = tempfile::tempdir().unwrap();
        let (path, target) = (folder.path().join("link"), folder.path().join("target"));
        fs::write(&target, "old").unwrap();
        fs::set_permissions(&target, Permissions::from_mode(0o604)).unwrap();
        std::os::unix::fs::symlink(&target, &path).unwrap();
        write(&goal(&path), b"new").unwrap();
        assert!(fs::symlink_metadata(&path).unwrap().is_file());
        assert_eq!(
            (mode(&path), fs::read(&target).unwrap()),
            (0o604, b"old".to_vec())
        );
    }

    #[test]
    fn what_cannot_be_written_is_told_and_nothing_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(
            write(&goal(Path::new("")), b"x").unwrap_err(),
            "failed writing file: missing destination"
        );
        let error = write(&goal(folder.path()), b"x").unwrap_err();
        assert_eq!(
            error,
            format!(
                "failed reading file: read {}: is a directory",
                folder.path().display()
            )
        );
        let orphan = folder.path().join("none/file");
        let error = write(
            &Goal {
                create_dirs: false,
                ..goal(&orphan)
            },
            b"x",
        )
        .unwrap_err();
        assert_eq!(error, "failed writing file: parent directory is missing");
        let owner = Owner::Name("nobody-of-that-name".to_owned());
        let path = folder.path().join("file");
        let error = write(
            &Goal {
                user: Some(&owner),
                ..goal(&path)
            },
            b"x",
        )
        .unwrap_err();
        assert_eq!(
            error,
            "failed looking up user: user: unknown user nobody-of-that-name"
        );
        let below = folder.path().join("plain/file");
        fs::write(folder.path().join("plain"), "").unwrap();
        assert!(
            write(&goal(&below), b"x")
                .unwrap_err()
                .starts_with("failed writing file: ")
        );
        assert_eq!(names(folder.path()), ["plain"]);
    }
}
