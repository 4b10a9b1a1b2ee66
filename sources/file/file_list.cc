#include "sources/file/file_list.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/glob.h"
#include "base/text.h"

namespace bizond {
namespace {

using nlohmann::json;

constexpr int kPlanFormat = 2;

}  // namespace

Result<FileList> ListFiles(const Roots& roots, std::string_view path) {
  BIZOND_ASSIGN_OR_RETURN(Location location, roots.Resolve(path));
  FileList list;
  list.root = location.root;
  std::vector<std::string> names = {location.path};
  BIZOND_ASSIGN_OR_RETURN(const auto literal, location.root.Stat(location.path));
  if (!literal && IsGlob(path)) {
    list.is_glob = true;
    BIZOND_ASSIGN_OR_RETURN(names, location.root.Glob(location.path));
  }
  if (names.size() > kFilesMax) {
    return Fail(
        ErrorKind::kPermanent, "too_many_files",
        fmt::format("{} matches {} files; a job reads at most {}", path, names.size(), kFilesMax),
        "make the glob narrower, or use several jobs");
  }
  for (std::string& name : names) {
    BIZOND_ASSIGN_OR_RETURN(const auto info, location.root.Stat(name));
    // A glob's file may go away at any moment; a named one must be there.
    if (!info && list.is_glob) continue;
    if (!info || !info->is_regular) {
      // Opening says what is wrong with it.
      BIZOND_RETURN_IF_ERROR(location.root.OpenFile(name, OpenMode::kRead));
      continue;
    }
    list.files.push_back({std::move(name), *info});
  }
  return list;
}

Failure NoFiles(std::string_view path) {
  return Fail(ErrorKind::kPermanent, "no_files",
              fmt::format("no file matches {}", EscapeControls(path)),
              "check the pattern and the directory that relative paths start from: `run` takes the "
              "working directory, the daemon its --data-dir");
}

std::string EncodePlan(const std::vector<PlannedFile>& files) {
  json rows = json::array();
  for (const PlannedFile& file : files) {
    json row = {{"path", file.name},   {"inode", file.inode}, {"size", file.end},
                {"start", file.start}, {"line", file.line},   {"skip", file.skip}};
    if (file.mark) row["mark"] = *file.mark;
    if (file.was_plain) row["was_plain"] = true;
    rows.push_back(std::move(row));
  }
  // A name may hold any bytes: those that are no UTF-8 are replaced, and such a file is then
  // missing.
  return json({{"format", kPlanFormat}, {"files", std::move(rows)}})
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<std::vector<PlannedFile>> DecodePlan(std::string_view text, bool* names_marks) {
  std::vector<PlannedFile> files;
  try {
    const json plan = json::parse(text);
    const int format = plan.at("format").get<int>();
    if (format < 1 || format > kPlanFormat) throw std::out_of_range("format");
    *names_marks = format >= 2;
    for (const json& row : plan.at("files")) {
      files.push_back({row.at("path").get<std::string>(), row.at("inode").get<uint64_t>(),
                       row.at("size").get<uint64_t>(), row.at("start").get<uint64_t>(),
                       row.at("line").get<uint64_t>(), row.at("skip").get<bool>()});
      if (row.contains("mark")) files.back().mark = row.at("mark").get<size_t>();
      files.back().was_plain = row.value("was_plain", false);
    }
  } catch (const std::exception& problem) {
    return Fail(
        ErrorKind::kPermanent, "bad_checkpoint",
        fmt::format("the run's snapshot of the source files cannot be read: {}", problem.what()),
        "cancel the run and start another one");
  }
  return files;
}

}  // namespace bizond
