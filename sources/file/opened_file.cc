#include "sources/file/opened_file.h"

#include "sources/file/file_change.h"

namespace bizond {

Result<std::unique_ptr<OpenedFile>> OpenSourceFile(const Root& root, std::string_view name,
                                                   const FileConfig& config, uint64_t inode,
                                                   uint64_t end) {
  auto opened = std::make_unique<OpenedFile>();
  BIZOND_ASSIGN_OR_RETURN(opened->file, root.OpenFile(name, OpenMode::kRead));
  BIZOND_ASSIGN_OR_RETURN(const FileInfo info, opened->file.Info());
  if (info.inode != inode) {
    return FileReplacedDuringRun(opened->file.path(), inode, info.inode);
  }
  if (info.size_bytes < end) return FileTruncated(opened->file.path(), info.size_bytes, end);
  opened->inode = inode;
  Compression compression = config.compression;
  if (compression == Compression::kAuto) {
    BIZOND_ASSIGN_OR_RETURN(compression, DetectCompression(opened->file));
  }
  opened->compressed = compression != Compression::kNone;
  opened->bytes = opened->compressed ? OpenCompressedBytes(opened->file, compression, end)
                                     : OpenPlainBytes(opened->file, end);
  opened->pages = FormatOf(config, name) == FileFormat::kCsv ? NewCsvPages(config, name)
                                                             : NewNdjsonPages(config);
  return opened;
}

}  // namespace bizond
