// Secrets in blocks that no schema describes (bizon's settings that have no effect here).
//
// What cannot be known for a secret is taken for one by its name: a text under a key like
// `password` or `api_key`, at any depth, or a URL with a password in it. Such blocks are stored
// with the job and shown with it, so that a wrong guess costs a reference, and a missed one a leak.
//
// Threads: pure functions.
#ifndef BIZOND_SYNC_SECRET_NAMES_H_
#define BIZOND_SYNC_SECRET_NAMES_H_

#include <nlohmann/json_fwd.hpp>
#include <string_view>
#include <vector>

#include "sync/job_document.h"

namespace bizond {

// "password", "X-Api-Key", "clientSecret", ...: in any case, with any separators.
bool IsSecretName(std::string_view name);

// Appends the path of every text below `value` (which stands at `path`) that is taken for a secret.
void FindSecretTexts(const nlohmann::json& value, const JobPath& path, std::vector<JobPath>* found);

}  // namespace bizond

#endif  // BIZOND_SYNC_SECRET_NAMES_H_
