#pragma once

#include "manifests/tenant.hpp"

/// What a bucket for uploaded files adds to the homeserver's configuration and pod. Nothing of it
/// is to be asked for a tenant that has none.
namespace alphorn::manifests {

/// media_storage_providers (README of synapse-s3-storage-provider). An upload waits for the bucket:
/// what was acknowledged is there.
json bucket_config(const Tenant& tenant);

/// What media_bucket.py reads.
json bucket_watch_config(const Tenant& tenant);

/// The init container that fails where the image lacks the package.
json prepare_bucket(const Tenant& tenant, const json& environment);

/// The container beside Synapse that watches over the bucket and keeps the volume from filling up.
json bucket_watch(const Tenant& tenant, const json& environment);

/// Of the Secret with the key to the bucket.
json bucket_key_volume(const Tenant& tenant);
json bucket_key_mount();

/// boto reads the authorities that it trusts from one file.
void trust_bucket(const Tenant& tenant, json& environment);

}  // namespace alphorn::manifests
