#pragma once

/// The files of operator/manifests/scripts as text. They run in tenants' pods, from a ConfigMap.
namespace alphorn::manifests::scripts {

extern const char* const prepare_database;
extern const char* const apply_roles;
extern const char* const check_database;
extern const char* const render_config;
extern const char* const merge_yaml;
extern const char* const plain_rooms;
extern const char* const skip_history;
extern const char* const fill_files;
extern const char* const await_database;
extern const char* const media_bucket;
extern const char* const prepare_bucket;
extern const char* const start_gateway;
extern const char* const redis;
extern const char* const start_redis;
extern const char* const nginx;
extern const char* const homeserver;
extern const char* const headers;
extern const char* const well_known;
extern const char* const federation;
extern const char* const no_federation;
extern const char* const web;
extern const char* const web_host;
extern const char* const mas;
extern const char* const mas_host;
extern const char* const join_files;
extern const char* const start_turn;
extern const char* const rtc_host;
extern const char* const rtc_group;
extern const char* const openid;
extern const char* const fence;
extern const char* const postgresql;
extern const char* const pg_hba;
extern const char* const pg_hba_watched;
extern const char* const metrics_role;

/// The programs that make sets and fill them back, and what they share: one folder, under their own
/// names.
extern const char* const backup_outcome;
extern const char* const backup_bucket;
extern const char* const backup_repository;
extern const char* const backup_database;
extern const char* const backup_media;
extern const char* const backup_upkeep;
extern const char* const backup_homeserver;
extern const char* const backup_make_set;
extern const char* const backup_fetch_set;
extern const char* const backup_fill_set;
extern const char* const backup_check_set;

}  // namespace alphorn::manifests::scripts
