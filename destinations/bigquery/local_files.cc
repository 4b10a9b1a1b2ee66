// LoadFiles in the state directory.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "destinations/bigquery/load_files.h"
#include "destinations/divergence.h"
#include "destinations/google/resumable_upload.h"

namespace bizond {
namespace {

class LocalFiles final : public LoadFiles {
 public:
  LocalFiles(Location folder, std::string owner)
      : folder_(std::move(folder)), owner_(std::move(owner)) {}

  Status Put(const std::string& name, const std::vector<std::string>& pieces,
             std::stop_token stop) override {
    (void)stop;
    // Under a name of this target's until it is whole, so that RemoveOthers finds it after a crash.
    const std::string part = Path(name) + ".part";
    BIZOND_ASSIGN_OR_RETURN(File file, folder_.root.OpenFile(part, OpenMode::kTruncate));
    for (const std::string& piece : pieces) BIZOND_RETURN_IF_ERROR(file.WriteAll(piece));
    BIZOND_RETURN_IF_ERROR(file.Sync());
    BIZOND_RETURN_IF_ERROR(folder_.root.Rename(part, Path(name)));
    return folder_.root.SyncDirectoryOf(Path(name));
  }

  Result<std::string> Read(const std::string& name, std::stop_token stop) override {
    (void)stop;
    const std::string path = Path(name);
    BIZOND_ASSIGN_OR_RETURN(const auto present, folder_.root.Stat(path));
    if (!present) return Failure(StagingLost(path, "the rows that it held are not loaded yet"));
    BIZOND_ASSIGN_OR_RETURN(const File file, folder_.root.OpenFile(path, OpenMode::kRead));
    return ReadPart(file, path, 0, present->size_bytes);
  }

  Status Remove(const std::string& name, std::stop_token stop) override {
    (void)stop;
    return folder_.root.Remove(Path(name));
  }

  Status RemoveOthers(const std::vector<std::string>& kept, std::stop_token stop) override {
    (void)stop;
    std::set<std::string> kept_paths;
    for (const std::string& name : kept) kept_paths.insert(Path(name));
    BIZOND_ASSIGN_OR_RETURN(const auto found, folder_.root.Glob(Path("*")));
    for (const std::string& path : found) {
      if (!kept_paths.contains(path)) BIZOND_RETURN_IF_ERROR(folder_.root.Remove(path));
    }
    return {};
  }

  Result<BigQueryJob> Start(BigQueryApi* api, const std::string& id, nlohmann::json load,
                            const std::vector<std::string>& files, std::stop_token stop) override {
    const std::string path = Path(files.at(0));
    BIZOND_ASSIGN_OR_RETURN(const auto present, folder_.root.Stat(path));
    if (!present) return Failure(StagingLost(path, "the rows that it held are not loaded yet"));
    BIZOND_ASSIGN_OR_RETURN(const File file, folder_.root.OpenFile(path, OpenMode::kRead));
    const UploadSource source = {
        .size = present->size_bytes,
        .read = [&](size_t offset, size_t size) { return ReadPart(file, path, offset, size); }};
    return api->StartUpload(id, {{"load", std::move(load)}}, source, std::move(stop));
  }

  size_t FilesPerJob() const override { return 1; }
  Status Check(std::stop_token stop) override {
    (void)stop;
    return {};
  }

 private:
  std::string Path(const std::string& name) const {
    return fmt::format("{}/{}-{}", folder_.path, owner_, name);
  }

  static Result<std::string> ReadPart(const File& file, const std::string& path, size_t offset,
                                      size_t size) {
    std::string bytes(size, '\0');
    BIZOND_ASSIGN_OR_RETURN(const size_t read, file.ReadAt(bytes.data(), size, offset));
    if (read != size) return Failure(StagingLost(path, "it is shorter than it was"));
    return bytes;
  }

  const Location folder_;
  const std::string owner_;
};

}  // namespace

std::unique_ptr<LoadFiles> MakeLocalFiles(Location folder, std::string owner) {
  return std::make_unique<LocalFiles>(std::move(folder), std::move(owner));
}

}  // namespace bizond
