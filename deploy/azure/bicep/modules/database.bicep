// PostgreSQL: records and the queue of jobs, or the queue alone where records are in Cosmos DB.

param name string
param location string
param tags object

@description('Where it is reached, and by which name.')
param subnetId string
param zoneId string

param administrator string

@secure()
param password string

param sku string
param tier string

@description('Of the disk, which grows by itself.')
param storageGB int

@description('Name of the vault that gets the address with its password.')
param vaultName string

resource server 'Microsoft.DBforPostgreSQL/flexibleServers@2024-08-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: sku
    tier: tier
  }
  properties: {
    version: '16'
    createMode: 'Default'
    administratorLogin: administrator
    administratorLoginPassword: password
    authConfig: {
      passwordAuth: 'Enabled'
      activeDirectoryAuth: 'Disabled'
    }
    storage: {
      storageSizeGB: storageGB
      autoGrow: 'Enabled'
    }
    backup: {
      backupRetentionDays: 7
      geoRedundantBackup: 'Disabled'
    }
    highAvailability: {
      mode: 'Disabled'
    }
    network: {
      delegatedSubnetResourceId: subnetId
      privateDnsZoneArmResourceId: zoneId
      publicNetworkAccess: 'Disabled'
    }
  }

  resource voices 'databases' = {
    name: 'voices'
    properties: {
      charset: 'UTF8'
      collation: 'en_US.utf8'
    }
  }
}

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' existing = {
  name: vaultName
}

resource url 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  parent: vault
  name: 'database-url'
  properties: {
    value: 'postgresql://${administrator}:${uriComponent(password)}@${server.properties.fullyQualifiedDomainName}:5432/${server::voices.name}?sslmode=require'
  }
}

output name string = server.name
