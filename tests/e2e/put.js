// Puts a folder into a container with Azure's own client: put.js URL CONTAINER FOLDER
// Files go up as block blobs; those that end in .gzenc lose that ending and get "Content-Encoding: gzip".
// The client's random names; node 18, which Debian 12 has, keeps this behind its module.
globalThis.crypto ??= require("node:crypto").webcrypto;
const fs = require("fs");
const path = require("path");
const { BlobServiceClient, StorageSharedKeyCredential } = require("@azure/storage-blob");

const KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

async function main([url, container, folder]) {
    const service = new BlobServiceClient(url, new StorageSharedKeyCredential("devstoreaccount1", KEY));
    const client = service.getContainerClient(container);
    await client.createIfNotExists();
    const walk = (at) => fs.readdirSync(at, { withFileTypes: true }).flatMap((e) =>
        e.isDirectory() ? walk(path.join(at, e.name)) : [path.join(at, e.name)]);
    for (const file of walk(folder)) {
        const isEncoded = file.endsWith(".gzenc");
        const name = path.relative(folder, file).replace(/\.gzenc$/, "");
        const options = isEncoded ? { blobHTTPHeaders: { blobContentEncoding: "gzip" } } : {};
        await client.getBlockBlobClient(name).uploadFile(file, options);
    }
}

main(process.argv.slice(2)).catch((error) => {
    console.error(String(error.message || error));
    process.exit(1);
});
