# What `cmake --install build/release --prefix P` and `cpack` (a .tar.gz) lay down. Nothing in it knows where it lies:
# P/bin finds P/share/vultus/config, so the tree may be moved. Models are never in it; vultus-run fetches them.
install(TARGETS vultus-api vultus-fetcher vultus-broker vultus-worker vultus-decoder vultusctl RUNTIME DESTINATION bin)
install(PROGRAMS config/installed/vultus-run DESTINATION bin)
install(DIRECTORY config/models config/starting config/systemd DESTINATION share/vultus/config
  PATTERN "__pycache__" EXCLUDE)
install(PROGRAMS config/fetch.py config/redis config/supervisor.py DESTINATION share/vultus/config)
install(FILES config/redis.conf config/redis_users.py config/vultus.toml config/calibration.txt
  DESTINATION share/vultus/config)
install(FILES README.md CHANGELOG.md LICENSE SECURITY.md ${CMAKE_BINARY_DIR}/vultus.spdx.json
  DESTINATION share/doc/vultus)

set(CPACK_GENERATOR TGZ)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_VENDOR "The Vultus authors")
set(CPACK_PACKAGE_FILE_NAME vultus-${PROJECT_VERSION}-${CMAKE_SYSTEM_PROCESSOR})
include(CPack)
