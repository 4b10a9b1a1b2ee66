// Problems: errors as RFC 9457 documents, with a status for every code.
//
// A problem has type ("urn:bizond:problem:<code>"), title, status, detail, code and remedy, and for
// an invalid definition `errors`, each with path, line, column, message and remedy. Every answer is
// serialized here, so that it is valid UTF-8 with secrets taken out.
//
// Threads: pure functions.
#ifndef BIZOND_WEB_PROBLEM_H_
#define BIZOND_WEB_PROBLEM_H_

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "sync/job_parser.h"
#include "web/http_types.h"

namespace bizond {

// By code, else by kind.
int StatusOf(const Error& error);
WebResponse Problem(const Error& error);
WebResponse Problem(int status, std::string_view code, std::string detail, std::string remedy);
// 422 invalid_job with every issue.
WebResponse InvalidJob(const std::vector<JobIssue>& errors);
nlohmann::json IssuesJson(const std::vector<JobIssue>& issues);

WebResponse JsonResponse(const nlohmann::json& value, int status = 200);
// Compact, valid UTF-8, redacted.
std::string Serialize(const nlohmann::json& value);

}  // namespace bizond

#endif  // BIZOND_WEB_PROBLEM_H_
