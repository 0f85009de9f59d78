#pragma once

#include "manifests/tenant.hpp"

/// How pods reach a repository of backups, be it to write a set or to read one.
namespace alphorn::manifests {

/// What the programs of scripts/backup/ are told of it; `config` is the folder of their files.
json repository_request(const Tenant& tenant, const api::BackupRepository& repository,
                        const std::string& config);
/// The programs themselves and whom they trust: files of a ConfigMap.
json repository_files(const Tenant& tenant);
/// Mounts and volumes of its keys, and of the volume that it lies on.
std::vector<json> repository_mounts(const api::BackupRepository& repository);
std::vector<json> repository_volumes(const Tenant& tenant, const api::BackupRepository& repository);
/// Variables of every program; `cache` is a folder with room for some gigabytes.
json repository_environment(const std::string& cache);

}  // namespace alphorn::manifests
