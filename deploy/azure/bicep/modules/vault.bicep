// The vault, the secrets that a person chooses, and who may read them.

param name string
param location string
param tags object

@description('Who may read the secrets: the identity of the containers.')
param readerPrincipalId string

@description('From where the secrets can be read.')
param subnetId string

@description('Addresses or networks of people who may change secrets by hand, besides.')
param openTo string[]

@secure()
param metricsToken string

@description('Empty: there are no webhooks.')
@secure()
param webhookSecret string

@description('PEM text. Empty: files are not signed.')
@secure()
param c2paPrivateKey string

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: subscription().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 30
    enablePurgeProtection: true
    publicNetworkAccess: 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: 'Deny'
      ipRules: [
        for address in openTo: {
          value: address
        }
      ]
      virtualNetworkRules: [
        {
          id: subnetId
        }
      ]
    }
  }
}

resource metrics 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  parent: vault
  name: 'metrics-token'
  properties: {
    value: metricsToken
  }
}

resource webhooks 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (!empty(webhookSecret)) {
  parent: vault
  name: 'webhook-secret'
  properties: {
    value: webhookSecret
  }
}

resource c2pa 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (!empty(c2paPrivateKey)) {
  parent: vault
  name: 'c2pa-private-key'
  properties: {
    value: c2paPrivateKey
  }
}

// Key Vault Secrets User
var readerRole = '4633458b-17de-408a-b874-0445c86b69e6'

resource reader 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: vault
  name: guid(vault.id, readerPrincipalId, readerRole)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', readerRole)
    principalId: readerPrincipalId
    principalType: 'ServicePrincipal'
  }
}

output name string = vault.name
output uri string = vault.properties.vaultUri
