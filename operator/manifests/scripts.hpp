#pragma once

/// The files of operator/manifests/scripts as text. They run in tenants' pods, from a ConfigMap.
namespace alphorn::manifests::scripts {

extern const char* const prepare_database;
extern const char* const apply_roles;
extern const char* const check_database;
extern const char* const render_config;
extern const char* const plain_rooms;
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

}  // namespace alphorn::manifests::scripts
