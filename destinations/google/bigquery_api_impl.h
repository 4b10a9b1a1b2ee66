// What the sources of BigQueryApi share.
//
// Threads: as BigQueryApi.
#ifndef BIZOND_DESTINATIONS_GOOGLE_BIGQUERY_API_IMPL_H_
#define BIZOND_DESTINATIONS_GOOGLE_BIGQUERY_API_IMPL_H_

#include <string>

#include "destinations/google/bigquery_api.h"
#include "destinations/google/transport.h"

namespace bizond {

struct BigQueryApi::Impl {
  const std::string project;
  const std::string location;
  const BigQueryEndpoints endpoints;
  GoogleTransport transport;

  std::string ProjectUrl() const;  // ".../bigquery/v2/projects/p"
  std::string JobUrl(const std::string& id) const;
  // {"configuration", "jobReference"}
  nlohmann::json JobBody(const std::string& id, const nlohmann::json& configuration) const;
};

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_GOOGLE_BIGQUERY_API_IMPL_H_
