// Whether an account may do what a run needs, asked of Google's services without a side effect.
//
// Google tells of the permissions of a table and of a bucket when it is asked
// (tables.testIamPermissions, buckets.testIamPermissions); of a dataset it does not. What remains
// is found out by requests that change nothing: reads (datasets.get, tables.list, tables.get), and
// query jobs that are checked and not run (dryRun), which BigQuery refuses for the want of
// bigquery.jobs.create, bigquery.tables.create and bigquery.datasets.create. What a table that is
// not there yet will permit, nobody tells: such a permission is reported as untested.
//
// Error codes: permission_missing (of an AccessCheck); those of transport.h.
//
// Reference: https://cloud.google.com/bigquery/docs/access-control,
// .../docs/reference/rest/v2/tables/testIamPermissions, and
// https://cloud.google.com/storage/docs/json_api/v1/buckets/testIamPermissions.
//
// Threads: pure, over transports.
#ifndef BIZOND_DESTINATIONS_GOOGLE_ACCESS_H_
#define BIZOND_DESTINATIONS_GOOGLE_ACCESS_H_

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "destinations/google/bigquery_config.h"
#include "destinations/google/transport.h"
#include "sync/destination_plan.h"

namespace bizond {

struct NeededPermission {
  std::string_view permission;  // "bigquery.tables.create", "storage.objects.get"
  std::string_view needed_for;
};

struct AccessQuestion {
  BigQueryTableName target;
  std::string location;
  std::string bucket;               // Of storage permissions.
  std::string service_account_key;  // Names the account; empty: BigQuery is asked for its name.
  std::vector<NeededPermission> needed;
};

// One check a permission, in the order of `needed`. bigquery.datasets.create is left out where the
// dataset exists. `storage` nullptr: no storage permission is among them.
Result<std::vector<AccessCheck>> CheckGoogleAccess(GoogleTransport* bigquery,
                                                   GoogleTransport* storage,
                                                   const BigQueryEndpoints& endpoints,
                                                   const AccessQuestion& question,
                                                   std::stop_token stop);

// The permission that a refusal of Google's names ("... does not have bigquery.jobs.create
// permission in project p"); empty: none.
std::string PermissionNamedIn(std::string_view message);

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_GOOGLE_ACCESS_H_
