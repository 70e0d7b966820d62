// See import_options.hpp.
#include "clients/ctl/options/import_options.hpp"

#include <CLI/CLI.hpp>
#include <vector>

#include "clients/ctl/sources/photo_source.hpp"
#include "shared/model/job.hpp"

namespace vultus::ctl {

CLI::App* describe_import(CLI::App& app, arguments& asked) {
    CLI::App* import =
        app.add_subcommand("import", "train from a folder of NAME/PHOTO, or from another service");
    import->callback([&asked] { asked.what = command::import;
});
import_words& words = asked.importing;
import->add_option("source", asked.file, "folder, file or URL, as --from says")->required();
import->add_option("--from", words.from, "what the source is")
    ->check(CLI::IsMember(std::vector<std::string>(std::begin(import_sources),
                                                   std::end(import_sources))))
    ->capture_default_str();
import->add_option("--key-file", words.key_file, "compreface: a file with the service's key");
import->add_option("--ca", words.authorities, "compreface: certificates to trust, PEM");
import->add_flag("--dry-run", words.dry_run, "teach nobody; only look for the faces");
import->add_option("--journal", words.journal,
                   "file with the verdicts; another run continues from it");
import->add_option("--collection", asked.subject)->capture_default_str();
import
    ->add_option("--detector", asked.detector,
                 "hog, cnn, centerface or yunet; without it the default of the service")
    ->check(CLI::IsMember(std::vector<std::string>(detector_names.begin(), detector_names.end())));
import->add_flag("--rotate", asked.rotate, "also look for faces that lie or stand on their head");
import->add_option("--quality", asked.quality, "refuse bad photos and lookalikes")
    ->check(CLI::IsMember({"off", "standard", "strict"}))
    ->capture_default_str();
return import;
}  // namespace vultus::ctl

}  // namespace vultus::ctl
