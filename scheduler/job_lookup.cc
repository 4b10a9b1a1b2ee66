#include "scheduler/job_lookup.h"

#include <string>

namespace bizond {

Result<JobRow> FindJob(const StoreReader& reader, std::string_view name) {
  BIZOND_ASSIGN_OR_RETURN(std::optional<JobRow> job, reader.GetJob(name));
  if (job) return std::move(*job);
  return Fail(ErrorKind::kConfig, "job_missing", "there is no job named " + std::string(name),
              "bizond jobs list shows the jobs");
}

}  // namespace bizond
