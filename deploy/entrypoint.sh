#!/bin/sh
# Runs the given command as the user `voice`. Started as root, it first hands over mounted folders that belong to
# root, which is how the container engine creates a bind mount whose folder is missing on the host.
set -eu

folders="$UPLOAD_DIR $EMBEDDING_DIR $DATA_DIR"

# Where the volume of DATA_DIR holds the others too, they are made; a failure is told below.
mkdir -p $folders 2>/dev/null || true

if [ "$(id -u)" = 0 ]; then
    for folder in $folders; do
        if [ "$(stat -c %u "$folder")" = 0 ]; then
            chown voice:voice "$folder"
        fi
    done
    exec setpriv --reuid=voice --regid=voice --clear-groups --no-new-privs "$0" "$@"
fi

for folder in $folders; do
    if [ ! -w "$folder" ]; then
        echo "$folder belongs to user $(stat -c %u "$folder") and user $(id -u) cannot write to it." \
            "Change its owner on the host, or start the container with --user." >&2
        exit 1
    fi
done
exec "$@"
